"""`snakemake --profile slurm` on a real SLURM of one node: GPUs, cancelled and killed jobs, and the
same results in another folder.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
import slurm_cluster
import yaml
from pipeline import GPU_RULES, SMOKE, copy_project, digest, results_content
from slurm_cluster import HURRIED, squeue, wait_until

pytestmark = [
    pytest.mark.study,
    pytest.mark.skipif(slurm_cluster.missing() is not None, reason=str(slurm_cluster.missing())),
]


class Submitted:
    """The smoke study, run by the shipped profile from a copy of the project into another folder:
    its models run on CPUs, their rules ask for a GPU all the same.
    """

    def __init__(self, folder, cluster):
        self.folder, self.cluster, self.environment = folder, cluster, cluster.environment
        self.results = folder / "elsewhere/results/smoke"
        self.runs, self.cancelled = [], []
        path = copy_project(folder) / "slurm/config.yaml"
        profile = yaml.safe_load(path.read_text())
        for rule in GPU_RULES:
            profile["set-resources"].setdefault(rule, {})["gpu"] = 1
        path.write_text(yaml.safe_dump(profile))

    def start(self, *arguments):
        with open(self.folder / "said", "w") as said:
            run = subprocess.Popen(
                [sys.executable, "-c", HURRIED, "--profile", "slurm", *arguments, *SMOKE,
                 "--directory", "elsewhere"],
                cwd=self.folder, env=self.environment, stdout=said, stderr=said,
            )  # fmt: skip
        self.runs.append(run)
        return run

    def stop(self):
        for run in self.runs:
            run.kill()

    def said(self):
        return (self.folder / "said").read_text()

    def jobs(self, comment, states="all", form="%i"):
        """What squeue says of the jobs whose comment (rule and wildcards, joined by _) is this or
        goes on after it.
        """
        lines = (line.split("|", 1) for line in squeue(self.environment, states, f"%k|{form}"))
        return [told for found, told in lines if f"{found}_".startswith(f"rule_{comment}_")]

    def job(self, run, comment, state):
        """Number and comment of the first such job that is in this state, waiting for it while the
        run goes on; one that was cancelled and is tried again does not count.
        """

        def found():
            assert run.poll() is None, self.said()[-3000:]
            return [
                job
                for job in self.jobs(comment, state, "%i %k")
                if job.split()[1] not in self.cancelled
            ]

        return wait_until(found, f"no job {comment} was {state}", 600)[0].split()

    def cancel(self, run, comment, state):
        """Cancel the first such job in this state."""
        number, cancelled = self.job(run, comment, state)
        subprocess.run(["scancel", number], env=self.environment, check=True)
        self.cancelled.append(cancelled)


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    """The study has run to its end, although one running and one waiting job were cancelled."""
    with slurm_cluster.running_cluster() as cluster:
        study = Submitted(tmp_path_factory.mktemp("submitted"), cluster)
        try:
            run = study.start()
            study.cancel(run, "train_reward_model", "PENDING")
            study.cancel(run, "train_reward_model", "RUNNING")
            assert run.wait() == 0, study.said()[-3000:]
            yield study
        finally:
            study.stop()


def test_jobs_that_run_models_see_a_gpu_and_no_others_do(submitted):
    steps = [
        line.split() for line in (submitted.cluster.folder / "gpus_seen").read_text().splitlines()
    ]
    comments = dict(line.split(" ", 1) for line in squeue(submitted.environment, "all"))
    seen = {}
    for job, gpus, _ in steps:
        rule = comments[job].removeprefix("rule_").split("_wildcards")[0]
        seen.setdefault(rule, set()).add(gpus)
    # one policy labels in this study, and none judges
    others = {"label_by_another", "label_by_prover", "search_by_verifier"}
    expected = GPU_RULES - others
    assert {rule for rule, gpus in seen.items() if "none" not in gpus} == expected
    assert set.union(*(seen[rule] for rule in expected)) == {"0", "1"}
    assert all(gpus == {"none"} for rule, gpus in seen.items() if rule not in expected)


def test_small_jobs_travel_together_one_after_another(submitted):
    """A group asks for the CPUs and memory of its largest job, and for the minutes of all."""
    assert submitted.jobs("problems", form="%C %m %l") == ["1 4000M 1:30:00"]
    assert len(submitted.jobs("figures")) == 1


def test_a_cancelled_job_is_tried_again_with_more_memory_and_time(submitted):
    assert len(set(submitted.cancelled)) == 2
    for comment in submitted.cancelled:
        first, second = submitted.jobs(comment.removeprefix("rule_"), form="%T %m %l")
        assert (first, second) == ("CANCELLED 3000M 8:00:00", "COMPLETED 6000M 16:00:00")


def test_the_results_in_another_folder_are_those_of_a_local_run_in_place(submitted, project):
    assert results_content(submitted.results) == results_content(project / "results/smoke")


class Labelling:
    """One table of labels is made again; one of its two shards is finished."""

    target = "results/smoke/labels/m/arithmetic.monte_carlo.parquet"

    def __init__(self, submitted, *arguments):
        self.submitted, self.output = submitted, submitted.folder / "elsewhere" / self.target
        self.before = digest(self.output)
        self.output.unlink()
        self.run = submitted.start(self.target, *arguments)
        self.job, _ = submitted.job(self.run, "label_solutions", "RUNNING")
        (self.shard,) = wait_until(self.list_shards, "no shard was written", 300, every=0.01)

    def list_shards(self):
        return list(self.output.parent.glob(".shards/*/0000"))

    def check_resumed(self):
        """It has the same bytes, and the finished shard was not made again."""
        assert digest(self.output) == self.before
        log = self.submitted.results / "logs/label_solutions/m.arithmetic.monte_carlo.log"
        told = log.read_text()
        assert "shard 2 of 2" in told and "shard 1 of 2" not in told
        assert not self.shard.parent.exists()


def test_a_killed_job_is_reported_and_a_rerun_finishes_from_its_shards(submitted):
    labelling = Labelling(submitted, "--retries", "0")
    listed = subprocess.run(
        ["scontrol", "listpids", labelling.job],
        env=submitted.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for line in listed.stdout.splitlines()[1:]:
        with suppress(ProcessLookupError):  # its parent was killed just before
            os.kill(int(line.split()[0]), signal.SIGKILL)
    assert labelling.run.wait() == 1
    assert "failed   label_solutions m.arithmetic.monte_carlo" in submitted.said()
    assert not labelling.output.exists() and labelling.list_shards() == [labelling.shard]
    run = submitted.start(labelling.target, "--retries", "0")
    assert run.wait() == 0, submitted.said()[-3000:]
    labelling.check_resumed()


def test_the_job_of_a_lost_node_runs_again_from_its_shards(submitted):
    labelling = Labelling(submitted, "--retries", "0")
    submitted.cluster.lose_node("node1", labelling.job)
    submitted.cluster.start_node("node1")
    assert labelling.run.wait() == 0, submitted.said()[-3000:]
    labelling.check_resumed()
