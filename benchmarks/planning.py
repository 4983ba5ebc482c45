"""How long Snakemake's process plans: `snakemake -n` of the paper, and of a hundred times its jobs.

Run as `python benchmarks/planning.py [POLICIES DATASETS REWARD_MODELS]`, by default 25 × 30 × 280.
Every policy is sampled on every data set; every reward model is trained, chooses among all samples,
and guides the search step by step on every data set. The time goes into the inputs of jobs.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PAPER = ROOT / "workflow/studies/paper.yaml"


def describe_study(policies: int, datasets: int, reward_models: int) -> dict[str, Any]:
    """The overlay of a study of this size; planning reads none of its models and problems."""
    bases = [f"policy{n}" for n in range(policies)]
    released = yaml.safe_load(PAPER.read_text())["policies"]["released"]
    config = next(each["config"] for each in released if each["name"] == "qwen2.5-0.5b")
    tests = [
        {"name": f"test{n}", "source": ["gsm8k", "mbppplus"][n % 2], "test": 100}
        for n in range(datasets)
    ]
    training = {"name": "train", "source": "gsm8k", "train": 1000, "validation": 100}
    evaluated = [each["name"] for each in tests]
    return {
        "study": "planned",
        "device": "cuda",
        "datasets": [*tests, training],
        "policies": {
            "pretraining": {"ladder": []},
            "released": [{"name": n, "model": f"hub/{n}", "config": config} for n in bases],
        },
        "labels": {"policy": bases[0], "compare": {"methods": []}},
        "rewards": {
            "data": [{"name": f"by-{n}", "datasets": ["train"], "policies": [n]} for n in bases],
            "models": [
                {
                    "name": f"prm{n}",
                    "base": bases[n % policies],
                    "data": f"by-{bases[n // policies % policies]}",
                }
                for n in range(reward_models)
            ],
        },
        "search": {
            "evaluations": [{"policy": n, "datasets": evaluated, "samples": 16} for n in bases],
            "likelihoods": [],
            "tree": {"reward_models": [f"prm{n}" for n in range(reward_models)]},
        },
    }


def measure(file: Path) -> str:
    """Jobs, inputs of jobs, seconds, and memory of a dry run with this configuration."""
    command = [sys.executable, "-m", "snakemake", "-n", "--forceall", "--nolock"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--configfile", str(file)],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    jobs, inputs, seconds = "no", 0, {}
    for line in process.stdout:
        first, *rest = line.split(maxsplit=1) or [""]
        if first in ("Building", "Job"):  # "Building DAG of jobs...", and "Job stats:" after it
            seconds.setdefault(first, time.perf_counter() - started)
        elif first == "input:":
            inputs += rest[0].count(", ") + 1
        elif first == "total":
            jobs = rest[0].strip()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{file} cannot be planned: {' '.join(command)} says why")
    took, cores = time.perf_counter() - started, used.ru_utime + used.ru_stime
    return (
        f"{file.stem}: {jobs} jobs with {inputs:,} inputs: {took:.1f} s ({cores:.1f} s of a core), "
        f"of which building the DAG {seconds['Job'] - seconds['Building']:.1f} s; "
        f"{used.ru_maxrss / 1e6:.2f} GB"
    )


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:]] or [25, 30, 280]
    with TemporaryDirectory() as folder:
        hundredfold = Path(folder) / "hundredfold.json"
        hundredfold.write_text(json.dumps(describe_study(*sizes)))
        for file in (PAPER, hundredfold):
            print(measure(file), flush=True)
