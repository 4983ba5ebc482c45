"""Break a study in many ways, resume it, and compare its results with those of an undisturbed run.

Run as `python tests/faults.py [--times N] [--only PATTERN]`, in the pipeline's environment, with 60
SIGKILLs and a fifth as many of the other interruptions by default. Each interruption waits for a
job of a rule that was interrupted least, and comes at a random moment of it. The disk that fills
and the folder that becomes read-only are a file system in memory, which only root can mount.

A fault is recovered if the same command, after at most one clear message that names the file, ends
with the same results; it is wrong if the results differ, or if nothing says what happened. Exits
with 1 if any is wrong.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent / "support"))
from pipeline import SMOKE, command, copy_project, results_content
from slurm_cluster import wait_until

TIMES = 60  # SIGKILLs
RESULTS = "results/smoke"
# a file of each kind that later jobs read, and a file that they make of it
DAMAGED = {
    "problems/arithmetic.parquet": "solutions/m/arithmetic.search.parquet",
    "solutions/m/arithmetic.search.parquet": "search/both-m.parquet",
    "labels/m/programs.monte_carlo.parquet": "rewards/both-m/replicate1",
    "policies/m/replicate1/100/model.safetensors": "solutions/m/programs.search.parquet",
    "policies/m/replicate1/100/config.json": "solutions/m/programs.search.parquet",
    "policies/m/replicate1/100/tokenizer.json": "solutions/m/programs.search.parquet",
    "rewards/both-m/replicate2/model.safetensors": "search/both-m.parquet",
    "rewards/both-m/replicate1/reward_model.json": "search/both-m.parquet",
    "search/both-m.parquet": "figures/fig1.pdf",
    "search/both-m.speed.json": "figures/fig5.pdf",
}
# outputs whose job is killed when its first part is finished, which is damaged then
SHARDED = (
    "labels/m/arithmetic.monte_carlo.parquet",
    "labels/m/programs.omega.parquet",
    "search/trees/both-m/m/programs.parquet",
    "rewards/both-m/replicate2",
)
DAMAGES = ("truncated", "flipped", "lost")
OTHER = ["--config", "analysis={permutations: 50}", "labels={rollouts: 3}"]  # a changed study


class Study:
    """The smoke study in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.results = folder, folder / RESULTS

    def start(self, *arguments):
        """A run with its jobs in a process group of their own."""
        # a job of the killed run may be at its end
        wait_until(self.unlock, "the folder stays locked")
        with open(self.folder / "said", "w") as said:
            return subprocess.Popen(
                command("--rerun-incomplete", *arguments, *SMOKE), cwd=self.folder, text=True,
                start_new_session=True, stdout=said, stderr=said,
            )  # fmt: skip

    def unlock(self):
        release = [sys.executable, "-m", "prmscale.progress.unlock"]
        done = subprocess.run(release, cwd=self.folder, capture_output=True, check=False)
        return done.returncode == 0

    def finish(self, *arguments):
        """Run to the end; whether it succeeded, and what was said."""
        run = self.start(*arguments)
        run.wait()
        return run.returncode == 0, self.said()

    def said(self):
        return (self.folder / "said").read_text()

    def remove(self, target):
        """Remove an output, a file or a folder."""
        output = self.results / target
        shutil.rmtree(output) if output.is_dir() else output.unlink(missing_ok=True)

    def begin(self):
        """Remove all results."""
        shutil.rmtree(self.results, ignore_errors=True)


def find_jobs(run):
    """(rule, process) of each job that runs now."""
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            arguments = process.cmdline()
        except psutil.Error:
            continue
        name = re.search(r"scripts/tmp\w+\.(\w+)\.py$", arguments[-1] if arguments else "")
        if name and len(arguments) == 2:  # the shell around it has the same words in one argument
            found.append((name[1], process))
    return found


def wait_for_job(run, accept):
    """(rule, process) of the first job whose rule is accepted, or None once the run has ended."""
    while run.poll() is None:
        for rule, process in find_jobs(run):
            if accept(rule):
                return rule, process
        time.sleep(0.05)
    return None


def kill(run):
    """Kill a run and all its jobs."""
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def signal_all(number):
    def send(run, job):
        os.killpg(run.pid, number)

    return send


def kill_job(run, job):
    job.kill()


def take_memory(run, job):
    """From now on the job can have no more memory than it has."""
    job.rlimit(psutil.RLIMIT_AS, (job.memory_info().vms,) * 2)


INTERRUPTIONS = {  # what each does, and how often for a SIGKILL
    "SIGKILL": (signal_all(signal.SIGKILL), 1),
    "SIGTERM": (signal_all(signal.SIGTERM), 0.2),
    "SIGINT": (signal_all(signal.SIGINT), 0.2),
    "a job is killed": (kill_job, 0.2),
    "a job gets no more memory": (take_memory, 0.2),
}


def interrupt(study, name, times, stream):
    """Interrupt and resume the study so many times, and finish it; how often each rule was met."""
    met, most = Counter(), 0
    while met.total() < times:
        study.begin()
        most += 1
        interrupt_once_a_rule(study, name, times, met, most, stream)
    study.finish()
    return met


def interrupt_once_a_rule(study, name, times, met, most, stream):
    """Go on with the study until so many interruptions, and until no rule was met less often."""
    while met.total() < times:
        run = study.start()
        while job := wait_for_job(run, lambda rule: met[rule] < most):
            time.sleep(stream.uniform(0, 2))
            with suppress(ProcessLookupError, psutil.NoSuchProcess):  # it ended just before
                INTERRUPTIONS[name][0](run, job[1])
                met[job[0]] += 1
                break
        run.wait()
        if job is None:
            return


def shift_clock(study, stream):
    """Stop the study three times; what it has made by then seems to be made a day away from now."""
    study.begin()
    for days in (1, -1, 1):
        run = study.start()
        time.sleep(stream.uniform(15, 40))
        kill(run)
        for file in study.results.rglob("*"):
            os.utime(file, (time.time() + days * 86400,) * 2)
    return study.finish()[0]


def change_configuration(study, stream):
    """Stop the study, go on with another configuration, stop that, and go back."""
    study.begin()
    for arguments in ([], OTHER) * 3:
        run = study.start(*arguments)
        time.sleep(stream.uniform(15, 30))
        kill(run)
    return study.finish()[0]


def run_twice(study, stream):
    """A second run of the same folder says that there is a first one, which goes on."""
    study.begin()
    run = study.start()
    assert wait_for_job(run, bool)
    second = subprocess.run(
        command(*SMOKE), cwd=study.folder, capture_output=True, text=True, check=False
    )
    said = second.stdout + second.stderr
    told = second.returncode != 0 and "lock" in said and "Traceback" not in said
    return told and run.wait() == 0


def lose_disk(study, stream, options, expected):
    """The results stand on a disk that takes nothing from some moment on, until it is mended."""
    study.begin()
    study.results.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1G", "tmpfs", str(study.results)]
    subprocess.run(mount, check=True)
    kept = study.folder / "kept"
    run = study.start()
    try:
        assert wait_for_job(run, lambda rule: rule == "sample_solutions")
        remount(study.results, options(study.results))
        run.wait()
        told = expected in study.said()  # Snakemake, which cannot write either, adds a traceback
        remount(study.results, "rw,size=1G")
        succeeded = study.finish()[0]
        shutil.copytree(study.results, kept)
    finally:
        if run.poll() is None:
            kill(run)
        subprocess.run(["umount", "--lazy", str(study.results)], check=True)
    study.remove("")
    kept.rename(study.results)
    return told and succeeded


def remount(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def fill_disk(study, stream):
    """No space is left on the disk."""
    return lose_disk(study, stream, fit, "No space left on device")


def fit(disk):
    """The option that leaves a disk no more than 64 KB."""
    return f"size={shutil.disk_usage(disk).used // 1024 + 64}k"


def lock_disk(study, stream):
    """The disk becomes read-only, as a broken one does."""
    return lose_disk(study, stream, lambda disk: "ro", "written (Read-only file system)")


SITUATIONS = {
    "the clock jumps by a day": shift_clock,
    "another configuration in between": change_configuration,
    "two runs in one folder": run_twice,
    "the disk is full": fill_disk,
    "the disk becomes read-only": lock_disk,
}


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


def break_and_repair(study, name, target, how):
    """Damage a file and make what depends on it again: whether that was told or recovered."""
    damage(study.results / name, how)
    study.remove(target)
    model = Path(name).parent
    is_model = (study.results / model / "SHA256SUMS").exists()
    return make_again(study, target, Path(name).name, model if is_model else name)


def break_part(study, target, how):
    """Damage every file of a finished part; whether the job told it or made the part again."""
    study.remove(target)
    folder = Path(target).parent
    shards = (folder.parent if target.startswith("rewards") else folder) / ".shards"
    parts = study.results / shards
    run = study.start(f"{RESULTS}/{target}")
    while not list(parts.glob("*/[0-9]*")) and run.poll() is None:
        time.sleep(0.005)
    kill(run)
    for file in filter(Path.is_file, next(parts.glob("*/[0-9]*")).rglob("*")):
        damage(file, how)
    return make_again(study, target, ".shards", shards)


def make_again(study, target, word, damaged):
    """Make a target; if that fails, remove what is damaged and try once more. Whether it is there
    in the end, and a failure was told by a message with this word.
    """
    succeeded, said = study.finish(f"{RESULTS}/{target}")
    if not succeeded:
        study.remove(damaged)  # as the message says
        told = word in said and "Traceback" not in said
        succeeded = study.finish(f"{RESULTS}/{target}")[0] and told
    # all other results count as made from what is there now: its bytes are compared
    return succeeded and study.finish("--touch")[0]


def list_faults(study, times, stream):
    """(name, what makes it happen): a call that returns how often it was met, how often that was
    recovered or told, and a note.
    """
    for name, (_, share) in INTERRUPTIONS.items():
        yield name, partial(count_met, study, name, max(1, round(share * times)), stream)
    for name, happen in SITUATIONS.items():
        yield name, partial(count_once, happen, study, stream)
    for how, (name, target) in product(DAMAGES, DAMAGED.items()):
        yield f"{how}: {name}", partial(count_once, break_and_repair, study, name, target, how)
    for how, target in product(DAMAGES, SHARDED):
        yield f"{how}: a part of {target}", partial(count_once, break_part, study, target, how)


def count_met(study, name, times, stream):
    met = interrupt(study, name, times, stream)
    return met.total(), met.total(), f" in {len(met)} rules"


def count_once(happen, *arguments):
    return 1, int(happen(*arguments)), ""


def main():
    """Print how often each fault was met, told or recovered, and with which results."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=TIMES, help="number of SIGKILLs")
    parser.add_argument("--only", default="", help="a pattern in the name of a fault")
    given = parser.parse_args()
    # a background process of a shell ignores it, and so would the runs
    signal.signal(signal.SIGINT, signal.default_int_handler)
    study, began, wrong = Study(copy_project(Path(tempfile.mkdtemp()))), time.time(), 0
    assert study.finish()[0], "the undisturbed run failed"
    expected = results_content(study.results)
    print(f"{'fault':55s} times  recovered  wrong", flush=True)
    for name, happen in list_faults(study, given.times, random.Random(0)):
        if not re.search(given.only, name):
            continue
        try:
            times, recovered, note = happen()
        except subprocess.CalledProcessError as error:  # a disk that only root can mount
            print(f"{name:55s}     0: {error}", flush=True)
            study.finish()
            continue
        found = results_content(study.results)
        names = sorted(n for n in {*found, *expected} if found.get(n) != expected.get(n))
        wrong += bool(names) or recovered < times
        told = f"{times:5d}  {0 if names else recovered:9d}  {', '.join(names[:3]) or 0}{note}"
        print(f"{name:55s} {told}", flush=True)
        if names:  # the next fault needs whole results
            study.begin()
            study.finish()
    print(f"{(time.time() - began) / 60:.0f} minutes, {wrong} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
