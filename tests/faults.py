"""Break a study in many ways, resume it, and compare its results with those of an undisturbed run.

Run as `python tests/faults.py [TIMES]`, in the pipeline's environment, with 60 interruptions by
default. Each fault is one of: the run and all its jobs are stopped at a
random moment (SIGKILL, SIGTERM, SIGINT), one job is killed as by lack of memory, a result is
truncated, a bit in it is flipped, or it is lost. It is recovered if the same command, after at most
one clear message that names the file, ends with the same results; it is wrong if the results
differ, or if nothing names the file. Exits with 1 if any is wrong.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent / "support"))
from pipeline import SMOKE, command, copy_project, results_content

TIMES = 60  # interruptions
STOPS = {  # signals to the run and its jobs, and their share of the interruptions
    "SIGKILL": (signal.SIGKILL, 0.4),
    "SIGTERM": (signal.SIGTERM, 0.2),
    "SIGINT": (signal.SIGINT, 0.2),
    "a job is killed": (None, 0.2),
}
LONGEST = 9.0  # seconds until a run is stopped
# a file of each kind that later jobs read, and a file that they make of it
DAMAGED = {
    "problems/arithmetic.parquet": "solutions/m/arithmetic.search.parquet",
    "solutions/m/arithmetic.search.parquet": "search/both-m.parquet",
    "labels/m/programs.monte_carlo.parquet": "rewards/code-m/replicate1",
    "policies/m/replicate1/100/model.safetensors": "solutions/m/programs.search.parquet",
    "policies/m/replicate1/100/config.json": "solutions/m/programs.search.parquet",
    "rewards/both-m/replicate2/model.safetensors": "search/both-m.parquet",
    "rewards/both-m/replicate1/reward_model.json": "search/both-m.parquet",
    "search/both-m.parquet": "figures/fig1.pdf",
}


def start(folder, *arguments):
    """A run of the smoke study with its jobs in a process group of their own."""
    release = [sys.executable, "-m", "prmscale.progress.unlock"]
    subprocess.run(release, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return subprocess.Popen(
        command("--rerun-incomplete", *arguments, *SMOKE), cwd=folder, text=True,
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def stop(run, name):
    """Stop a run and its jobs, or one of its jobs; whether there was anything to stop."""
    if name != "a job is killed":
        os.killpg(run.pid, STOPS[name][0])
        return True
    jobs = [p for p in psutil.Process(run.pid).children(recursive=True) if not p.children()]
    for job in jobs[:1]:
        job.kill()
    return bool(jobs)


def interrupt(folder, name, times, stream):
    """Begin the study anew, stop and resume it so many times, and finish it."""
    done = 0
    while done < times:
        shutil.rmtree(folder / "results/smoke", ignore_errors=True)
        while done < times:
            run = start(folder)
            try:
                run.communicate(timeout=stream.uniform(1.0, LONGEST))
                break  # the study is finished
            except subprocess.TimeoutExpired:
                done += stop(run, name)
                run.communicate()
    finish(folder)


def finish(folder, *targets):
    """Run to the end; what was said, and whether it succeeded."""
    run = start(folder, *targets)
    said = run.communicate()[0]
    return run.returncode == 0, said


def damage(file, how):
    """Truncate a file, flip one of its bits, or lose it."""
    content = bytearray(file.read_bytes())
    if how == "lost":
        file.unlink()
        return
    if how == "truncated":
        content = content[: len(content) // 2]
    else:
        content[len(content) * 2 // 3] ^= 1
    stamps = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))  # a disk changes no time


def break_and_repair(folder, name, target, how):
    """Damage a file and make what depends on it again: what was said, whether it ended well."""
    results = folder / "results/smoke"
    output = results / target
    damage(results / name, how)
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    succeeded, said = finish(folder, f"results/smoke/{target}")
    told = Path(name).name in said and "Traceback" not in said
    if not succeeded:  # the message says what to delete
        model = (results / name).parent
        is_model = (model / "SHA256SUMS").exists()
        shutil.rmtree(model) if is_model else (results / name).unlink(missing_ok=True)
    return succeeded or told, finish(folder)[0]


def main():
    """Print how often each fault was met, told or recovered, and with which results."""
    interruptions = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    folder, stream, wrong = copy_project(Path(tempfile.mkdtemp())), random.Random(0), 0
    began = time.time()
    assert finish(folder)[0], "the undisturbed run failed"
    expected = results_content(folder / "results/smoke")
    print(f"{'fault':45s} times  recovered  wrong", flush=True)
    for name, (_, share) in STOPS.items():
        times = round(share * interruptions)
        interrupt(folder, name, times, stream)
        differing = compare(folder, expected)
        wrong += bool(differing)
        tell(name, times, times * (not differing), differing)
    for how in ("truncated", "flipped", "lost"):
        for name, target in DAMAGED.items():
            told, recovered = break_and_repair(folder, name, target, how)
            differing = compare(folder, expected)
            wrong += bool(differing) or not told
            tell(f"{how}: {name}", 1, int(told and recovered), differing)
    print(f"{(time.time() - began) / 60:.0f} minutes, {wrong} wrong")
    sys.exit(bool(wrong))


def compare(folder, expected):
    """The files of the results that are not those of the undisturbed run."""
    found = results_content(folder / "results/smoke")
    return sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))


def tell(name, times, recovered, differing):
    """Print a row of the table."""
    print(f"{name:45s} {times:5d}  {recovered:9d}  {', '.join(differing[:3]) or 0}", flush=True)


if __name__ == "__main__":
    main()
