"""What SLURM is asked for, by an `sbatch` that writes down its arguments and refuses every job."""

import os

import pytest
from pipeline import copy_project, snakemake

RESULTS = "results/asked"
STUDY = """
study: asked
device: cuda
datasets:
  - {name: arithmetic, source: arithmetic, train: 24, validation: 8, test: 12}
  - {name: programs, source: programs, train: 24, validation: 8, test: 12}
policies:
  sampling: {engine: transformers}
  pretraining: {ladder: []}
  released:
    - {name: small, model: hub/small, gpus: 2}
    - name: large
      model: hub/large
      config: {model_type: qwen2, num_hidden_layers: 80, hidden_size: 8192, num_attention_heads: 64,
               num_key_value_heads: 8, intermediate_size: 29568, vocab_size: 152064}
labels: {policy: small}
rewards:
  training: {optimizer: adamw, seeds: 1}
  data: [{name: math, datasets: [arithmetic]}]
  models: [{name: trained, base: large, data: math}]
search:
  evaluations: [{policy: small, datasets: [arithmetic, programs]}]
  likelihoods: []
  tree: {reward_models: []}
analysis: {figures: [fig3]}
cluster: {gpus_per_node: 4}
"""
# what the jobs read is there already
MADE = [
    "problems/arithmetic.parquet",
    "solutions/small/arithmetic.labelling.parquet",
    "labels/small/arithmetic.monte_carlo.parquet",
]
TARGETS = [
    "solutions/small/arithmetic.search.parquet",
    "problems/programs.parquet",
    "rewards/trained/replicate1",
]
REFUSING = """#!/bin/sh
case $0 in
    */sbatch) echo "$@" >> ASKED; echo 'the controller is busy' >&2; exit 1 ;;
    */sinfo) echo 'main*' ;;
esac
"""


NO_HUB = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}  # out of reach from here


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The options of each submission, by rule."""
    folder = copy_project(tmp_path_factory.mktemp("asked"))
    (folder / "asked.yaml").write_text(STUDY)
    for path in MADE:
        (folder / RESULTS / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / RESULTS / path).touch()
    (folder / "bin").mkdir()
    for name in ("sbatch", "sinfo", "squeue", "sacct", "scontrol", "scancel"):
        (folder / "bin" / name).write_text(REFUSING.replace("ASKED", str(folder / "said")))
        (folder / "bin" / name).chmod(0o755)
    done = snakemake(
        folder, *(f"{RESULTS}/{path}" for path in TARGETS), "--profile", "slurm",
        "--configfile", "asked.yaml",
        environment={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", **NO_HUB},
    )  # fmt: skip
    assert done.returncode == 1 and "the controller is busy" in done.stderr, done.stderr[-3000:]
    found = {}
    for line in (folder / "said").read_text().splitlines():
        options = line.split("--wrap")[0].split()
        rule = next(o for o in options if o.startswith(("rule_", "group_")))
        found.setdefault(rule.split("_wildcards")[0], []).append(options)
    return found


def resources(options):
    """What a submission asks for, beside time and memory."""
    return {o for o in options if o.startswith(("--nodes", "--gpus", "--ntasks", "--gres"))}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("rule_sample_solutions", {"--gpus=2", "--nodes=1"}),
        # 1.2 TB of weights, gradients and optimiser state
        ("rule_train_reward_model", {"--gpus=32", "--nodes=8"}),
        ("rule_problems_build_problems", {"--ntasks=1"}),
    ],
)
def test_jobs_ask_for_the_gpus_of_their_models_and_for_whole_nodes(asked, rule, expected):
    assert [resources(options) for options in asked[rule]] == [expected] * 3


def test_a_job_that_sbatch_refuses_is_submitted_twice_more(asked):
    calls = asked["rule_sample_solutions"]
    found = [(o[o.index("-t") + 1], o[o.index("--mem") + 1]) for o in calls]
    assert found == [("240", "3000"), ("480", "6000"), ("720", "9000")]
