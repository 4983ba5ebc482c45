"""Trainings over the two nodes of a real SLURM on one machine, in CPU processes, and tables that
several jobs share.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest
import slurm_cluster
import torch
import yaml
from pipeline import ROOT, copy_project, snakemake
from safetensors.torch import load_file
from slurm_cluster import HURRIED, squeue

pytestmark = [
    pytest.mark.study,
    pytest.mark.skipif(slurm_cluster.missing() is not None, reason=str(slurm_cluster.missing())),
]
NODES = ("node1", "node2")
STUDY = ["--configfile", "workflow/studies/smoke.yaml", "overlay.yaml"]
OVERLAY = """
rewards: {training: {optimizer: adamw}}
search: {tree: {reward_models: [math-m], strategies: [beam, mcts]}}
"""
MODEL = "results/smoke/rewards/math-m"
SHARED = [
    "results/smoke/labels/m/arithmetic.monte_carlo.parquet",
    "results/smoke/labels/m/arithmetic.monte_carlo.spent.parquet",
    "results/smoke/labels/m/arithmetic.omega.parquet",
    "results/smoke/solutions/m/arithmetic.omega.parquet",
    "results/smoke/search/trees/math-m/m/arithmetic.parquet",
    "results/smoke/trees/math-m/m/arithmetic.parquet",
]
# what each process of a group says: its numbers, its node, and the size of the group that it meets
WORK = """
import os
import sys
from pathlib import Path

import torch

from prmscale.rewards.parallel import build_accelerator, launch
from prmscale.study import RewardTraining


def say(folder):
    group = build_accelerator("cpu", RewardTraining(optimizer="adamw"))
    met = int(group.reduce(torch.ones(1)))
    numbers = os.environ["RANK"], os.environ["LOCAL_RANK"], os.environ["SLURMD_NODENAME"]
    Path(folder, "-".join([*numbers, str(met)])).touch()


if __name__ == "__main__":
    import work

    launch(work.say, 4, sys.argv[1], nodes=2)
"""


def ask_for_two_nodes(project):
    """Let the trainings of the profile ask for a GPU on each of two nodes; they train on CPUs."""
    path = project / "slurm/config.yaml"
    profile = yaml.safe_load(path.read_text())
    profile["set-resources"]["train_reward_model"] |= {"nodes": 2, "gpu": 2, "mpi": ""}
    path.write_text(yaml.safe_dump(profile))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Labels, a reward model and its searches, each by one local job of one process."""
    project = copy_project(tmp_path_factory.mktemp("nodes"))
    (project / "overlay.yaml").write_text(OVERLAY)
    done = snakemake(project, *SHARED, *STUDY)
    assert done.returncode == 0, done.stderr[-3000:]
    return project


@pytest.fixture(scope="module")
def cluster():
    with slurm_cluster.running_cluster(NODES) as cluster:
        yield cluster


def submit(project, cluster, *arguments):
    """Run Snakemake on the cluster."""
    return subprocess.run(
        [sys.executable, "-c", HURRIED, "--profile", "slurm", *arguments],
        cwd=project, env=cluster.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_several_jobs_make_the_tables_that_one_job_makes(project, cluster):
    alone = [project / "local" / path for path in SHARED]
    for path, kept in zip(SHARED, alone, strict=True):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(project / path, kept)
    (project / "two.yaml").write_text("labels: {jobs: 2}\nsearch: {tree: {jobs: 2}}\n")
    done = submit(project, cluster, *SHARED, *STUDY, "two.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert len([*project.glob("results/smoke/logs/**/*of2.log")]) == 6
    for path, kept in zip(SHARED, alone, strict=True):
        assert (project / path).read_bytes() == kept.read_bytes()
    assert not [*project.glob("results/**/*of2.parquet")]


def test_a_training_over_two_nodes_gives_the_weights_of_one_process(project, cluster):
    ask_for_two_nodes(project)
    local = project / "local/model"
    shutil.move(project / MODEL, local)
    done = submit(project, cluster, f"{MODEL}/replicate1", *STUDY)
    assert done.returncode == 0, done.stderr[-3000:]
    jobs = dict(line.split(" ", 1) for line in squeue(cluster.environment, "all"))
    job = max((job for job in jobs if "train_reward_model" in jobs[job]), key=int)
    places = [line.split() for line in (cluster.folder / "gpus_seen").read_text().splitlines()]
    assert {node for number, _, node in places if number == job} == set(NODES)
    for replicate in ("replicate1", "replicate2"):
        there, here = (at / replicate for at in (project / MODEL, local))
        one, other = (load_file(at / "model.safetensors") for at in (there, here))
        assert one.keys() == other.keys()
        # a step of the optimiser is as large as its rate, 0.002
        assert all(torch.allclose(one[name], other[name], atol=1e-4) for name in one)
        facts = [json.loads((at / "reward_model.json").read_text()) for at in (there, here)]
        assert facts[0]["train_flops"] == facts[1]["train_flops"]


def test_what_several_nodes_cannot_train_is_said(project, cluster):
    ask_for_two_nodes(project)
    muon = ("--config", "rewards={training: {optimizer: muon}}")
    done = submit(project, cluster, f"{MODEL}/replicate1", "--retries", "0", *STUDY, *muon)
    assert done.returncode == 1
    (log,) = project.glob("results/smoke/logs/train_reward_model/*.log")
    message = "train_reward_model: rewards.training.optimizer = 'muon' on 2 GPUs: Muon needs"
    assert message in log.read_text()


def test_the_processes_of_two_nodes_are_one_group(tmp_path, cluster):
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "said").mkdir()
    paths = os.pathsep.join([str(tmp_path), str(ROOT / "workflow")])
    subprocess.run(
        ["salloc", "--nodes=2", "--ntasks-per-node=1", sys.executable, "work.py", "said"],
        cwd=tmp_path, env={**cluster.environment, "PYTHONPATH": paths}, check=True,
    )  # fmt: skip
    said = sorted(path.name for path in (tmp_path / "said").iterdir())
    assert said == ["0-0-node1-4", "1-1-node1-4", "2-0-node2-4", "3-1-node2-4"]
