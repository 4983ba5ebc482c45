"""Running the pipeline in a copy of the project."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
SMOKE = ["--configfile", "workflow/studies/smoke.yaml"]
GPU_RULES = {
    "pretrain_policy", "sample_solutions", "label_solutions", "train_reward_model", "search", "search_trees",
    "rank_by_likelihood", "score_steps", "compare_patterns", "label_by_tree", "label_by_another",
    "compare_labels",
}  # fmt: skip


def copy_project(folder):
    """What a run needs of the project, copied to `folder`."""
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("workflow", "envs"):
        shutil.copytree(
            ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / "slurm").symlink_to("workflow/profiles/slurm")
    return folder


def command(*arguments):
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


def snakemake(folder, *arguments):
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, check=False
    )


def measured(path):
    """A table's content but for the seconds, which are measured anew."""
    return pd.read_parquet(path).drop(columns="seconds", errors="ignore")
