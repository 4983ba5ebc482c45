"""What clusters do to jobs, on a real SLURM of one node: a job is put back into the queue, reaches
its time limit, or cannot be submitted. A fake `sbatch` records how many GPUs are asked for.
"""

import os
import shutil
import subprocess
import sys

import pytest
import slurm_cluster
import yaml
from pipeline import copy_project, digest, measured, snakemake
from slurm_cluster import wait_until
from test_slurm import Submitted

pytestmark = pytest.mark.study
needs_slurm = pytest.mark.skipif(
    slurm_cluster.missing() is not None, reason=str(slurm_cluster.missing())
)
RESULTS = "results/smoke/"
LABELS = f"{RESULTS}labels/m/arithmetic.monte_carlo.parquet"
OTHERS = f"{RESULTS}labels/m/programs.monte_carlo.parquet"
TRAINED = f"{RESULTS}rewards/both-m/replicate1"
# fails at its first call, as when the controller is busy
BUSY = """#!/bin/sh
if mkdir {folder}/failed 2>/dev/null; then
    echo "sbatch: error: Batch job submission failed: Socket timed out" >&2
    exit 1
fi
exec {sbatch} "$@"
"""


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    """Labels and a reward model are made, although the first submission failed."""
    with slurm_cluster.running_cluster() as (cluster, environment):
        sbatch = cluster / "bin/sbatch"
        where = shutil.which("sbatch")
        sbatch.write_text(BUSY.format(folder=cluster, sbatch=where))
        sbatch.chmod(0o755)
        study = Submitted(tmp_path_factory.mktemp("interrupted"), cluster, environment)
        try:
            run = study.start(LABELS, OTHERS, TRAINED)
            assert run.wait() == 0, study.said()[-3000:]
            study.first = study.said()
            yield study
        finally:
            study.stop()


def control(study, *words):
    subprocess.run(["scontrol", *words], env=study.environment, check=True)


@needs_slurm
def test_a_job_that_could_not_be_submitted_is_submitted_again(submitted):
    assert (submitted.cluster / "failed").exists()
    assert submitted.first.count("Socket timed out") >= 1
    assert "Trying to restart job" in submitted.first


@needs_slurm
def test_a_job_that_is_requeued_continues_from_its_shards(submitted):
    output = submitted.folder / "elsewhere" / LABELS
    before = measured(output)
    output.unlink()
    run = submitted.start(LABELS, "--slurm-requeue", "--retries", "0")
    job, _ = submitted.job(run, "label_solutions", "RUNNING")
    shards = output.parent / ".shards"
    wait_until(lambda: list(shards.glob("*/0000")), "no shard was written", 300, every=0.01)
    control(submitted, "requeue", job)
    submitted.job(run, "label_solutions", "PENDING")
    control(submitted, "update", f"jobid={job}", "StartTime=now")  # SLURM waits for two minutes
    assert run.wait() == 0, submitted.said()[-3000:]
    assert measured(output).equals(before)
    told = (submitted.results / "logs/label_solutions/m.arithmetic.monte_carlo.log").read_text()
    assert "shard 2 of 2" in told and "shard 1 of 2" not in told


@needs_slurm
def test_a_training_that_reaches_its_time_limit_continues_when_it_is_tried_again(submitted):
    output = submitted.folder / "elsewhere" / TRAINED
    before = digest(output)
    run = submitted.start("--forcerun", "train_reward_model", "--until", "train_reward_model",
                          "--", TRAINED)  # fmt: skip
    job, _ = submitted.job(run, "train_reward_model", "RUNNING")
    unfinished = output.parents[1] / ".shards"
    wait_until(lambda: list(unfinished.glob("*/1")), "no training was finished", 300, every=0.01)
    (first,) = unfinished.glob("*/1/model.safetensors")
    made = first.stat().st_ino
    control(submitted, "update", f"jobid={job}", "EndTime=now")
    assert run.wait() == 0, submitted.said()[-3000:]
    assert "SLURM status is: 'TIMEOUT'" in submitted.said()
    assert digest(output) == before
    # the finished training is the very file: it was linked, not made again
    assert (output / "model.safetensors").stat().st_ino == made


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
