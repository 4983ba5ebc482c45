"""Running the pipeline in a copy of the project."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SMOKE = ["--configfile", "workflow/studies/smoke.yaml"]
GPU_RULES = {
    *("pretrain_policy", "sample_solutions", "label_solutions", "label_by_another"),
    "label_by_prover",
    *("label_by_tree", "compare_labels", "train_reward_model", "search", "search_trees"),
    "search_by_verifier",
    *("rank_by_likelihood", "score_steps", "compare_patterns"),
}


def copy_project(folder):
    """What a run needs of the project, copied to `folder`."""
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("workflow", "envs"):
        shutil.copytree(
            ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / "slurm").symlink_to("workflow/profiles/slurm")
    (folder / "profiles").symlink_to("workflow/profiles")
    return folder


def command(*arguments):
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


def snakemake(folder, *arguments, environment=None):
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def results_content(results):
    """The hash of each file of a study's results, by name, but for what is measured (times of jobs,
    speeds, and figure 5, which draws these) and for the hashes that the study itself keeps.
    """
    found = {}
    for path in sorted(p for p in results.rglob("*") if p.is_file()):
        name = str(path.relative_to(results))
        measured = name.startswith(("logs/", "benchmarks/", "figures/fig5."))
        if not measured and not name.endswith(".speed.json") and path.parent.name != ".sha256":
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def digest(path):
    """The hash of a file, or of every file of a folder, by name."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def jobs(report):
    """Rules and their number of jobs, from a dry run's table."""
    lines = report.stdout.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("job ")), None)
    if start is None:
        return {}
    rows = (line.split() for line in lines[start + 2 :])
    table = {}
    for row in rows:
        if len(row) != 2 or row[0] == "total":
            break
        table[row[0]] = int(row[1])
    return table
