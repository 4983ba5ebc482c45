"""A fake `sbatch` records how many GPUs a job asks for."""

import os
import subprocess
import sys

import pytest
import yaml
from pipeline import copy_project, snakemake

pytestmark = pytest.mark.study
RECORD = '#!/bin/sh\necho "$@" >> {folder}/calls\nexit 1\n'


def test_a_job_asks_for_the_gpus_of_its_model(tmp_path):
    """The command line of a job with a model on two GPUs; nothing is submitted."""
    copy_project(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text('{"model_type": "qwen2"}')
    overlay = {
        "study": "two",
        "device": "cuda",
        "policies": {
            "sampling": {"engine": "transformers"},
            "released": [
                {"name": "big", "model": "model", "gpus": 2, "prompting": {"style": "plain"}}
            ],
        },
        "search": {"evaluations": [{"policy": "big", "datasets": ["arithmetic"], "samples": 16}]},
    }
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(overlay))
    problems = "results/two/problems/arithmetic.parquet"
    done = snakemake(tmp_path, problems, "--configfile", "two.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {
        "sbatch": RECORD.format(folder=tmp_path),
        **dict.fromkeys(("squeue", "sacct", "sinfo", "scontrol", "sacctmgr"), "#!/bin/sh\n"),
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    target = "results/two/solutions/big/arithmetic.search.parquet"
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "slurm", "--retries", "0", target,
         "--configfile", "two.yaml"],
        cwd=tmp_path, check=False, capture_output=True,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
    )  # fmt: skip
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert " --gpus=2 " in call and "rule_sample_solutions" in call
