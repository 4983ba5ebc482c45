"""The projected cost: work counted by hand, times by known rates, and a run without network."""

import subprocess
import sys
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import yaml
from pipeline import ROOT

from prmscale import configuration
from prmscale.cost import machines, work
from prmscale.cost.models import model_of
from prmscale.errors import UserError

SMOKE = deepcopy(yaml.safe_load((ROOT / "config.yaml").read_text()))
SMOKE["rewards"]["models"] = [
    {"name": "a", "base": "m", "data": "both", "training": {"checkpoints": [50, 100]}},
    {"name": "b", "base": "l", "data": "math", "training": {"steps": 0}},
]
SMOKE["cost"] = {
    "prompt_tokens": {"math": 10, "code": 20},
    "solution_tokens": {"math": 30, "code": 40},
    "steps": {"math": 3, "code": 5},
    "distinct_prefixes": 0.5,
}
SMOKE["search"]["tree"] = {"reward_models": ["a"], "strategies": ["beam", "mcts"], "aggregations": ["min"]}


@pytest.fixture(scope="module")
def small():
    return configuration.load(SMOKE)


@pytest.fixture(scope="module")
def jobs(small):
    return {(job.rule, job.name): job for job in work.jobs(small)}


def test_tokens_follow_from_the_configuration(jobs):
    tokens = {key: job.tokens for key, job in jobs.items()}
    assert tokens["sample_solutions", "m.arithmetic.search"] == 200 * 64 * 30
    assert tokens["sample_solutions", "s.programs.search"] == 200 * 8 * 40
    # (800 + 100) problems, 6 solutions, 4 open prefixes of which half are distinct, 4 rollouts of half a solution
    assert tokens["label_solutions", "m.programs.monte_carlo"] == 900 * 6 * 4 * 0.5 * 4 * 20
    # 450 steps of 16 texts, two seeds; two checkpoints of each on the validation solutions of both sets
    texts = 2 * 450 * 16 + 2 * 2 * 200 * 6
    assert tokens["train_reward_model", "a"] == pytest.approx(texts * (40 + 60) / 2)
    read = 200 * (64 * 40 + 64 * 60 + 8 * 60 + 8 * 60)
    assert tokens["search", "a"] == 4 * read and tokens["search", "b"] == 2 * read
    # beam runs for each budget (127 samples' worth), MCTS once (64); two seeds; a step is 10 tokens, 25 are read for it
    steps = 2 * 200 * (127 + 64) * 3
    assert tokens["search_trees", "a.m.arithmetic"] == steps * 10 + steps * 25


def test_responses_are_compared_where_reward_models_have_roles():
    config = deepcopy(SMOKE)
    for model, role in zip(config["rewards"]["models"], ("math", "code"), strict=True):
        model["role"] = role
    config["analysis"] = {"patterns": {"problems": 30}}
    found = {(job.rule, job.name): job for job in work.jobs(configuration.load(config))}
    # the first 8 samples, by two seeds; at most as many distinct texts are compared
    assert found["score_steps", "b"].tokens == 2 * 200 * 8 * (40 + 60)
    assert found["compare_patterns", ""].tokens == 30 * 8 * (40 + 60)


def test_a_tree_costs_its_rollouts_and_needs_no_sampled_solutions():
    config = deepcopy(SMOKE)
    for data in config["rewards"]["data"]:
        data["labels"] = "omega"
    config["labels"] |= {"omega": {"searches": 3}, "compare": {}}
    found = {(job.rule, job.name): job.tokens for job in work.jobs(configuration.load(config))}
    # 900 problems: 4 whole solutions, and 3 searches of ceil(log2(5)) checks by 4 rollouts of half a solution
    assert found["label_by_tree", "m.programs"] == 900 * (4 * 40 + 3 * 3 * 4 * 20)
    assert not [name for rule, name in found if rule == "label_solutions" or name.endswith(".labelling")]


def test_flops_are_those_of_the_formula(small, jobs):
    model = model_of(small, "m")
    assert model.parameters == pytest.approx(305_000, rel=0.01)
    (write,) = jobs["sample_solutions", "m.arithmetic.search"].passes
    assert write.flops == pytest.approx(200 * (64 * model.shape.forward(30, 10) + model.shape.forward(10)))
    train = jobs["train_reward_model", "a"].passes[0]
    assert train.flops == 2 * 450 * 16 * model.decoder.training(50)
    assert jobs["train_reward_model", "a"].stored == 2 * 2 * 4 * model.parameters


def test_a_gpu_writes_as_fast_as_its_memory_and_trains_by_its_peak(jobs):
    gpu = machines.gpu("h100")
    train = jobs["train_reward_model", "a"].passes[0]
    assert gpu.busy(train) == pytest.approx(train.flops / (67e12 * machines.OF_PEAK["train"]))
    (write,) = jobs["sample_solutions", "m.arithmetic.search"].passes
    assert gpu.busy(write) == pytest.approx(write.tokens * 6 * machines.PER_LAYER / write.batch)
    with pytest.raises(UserError, match=r"--gpu h1000: not in .*gpus.csv; possible: a100, h100"):
        machines.gpu("h1000")


def test_times_of_one_study_tell_those_of_another(small):
    """Jobs that take so long a job, a token and a FLOP: told from one study, they are right for another."""
    rates = np.array([5.0, 2e-6, 3e-12])

    def took(jobs):
        return pd.DataFrame([(j.rule, j.name, rates @ [1, j.tokens, j.flops]) for j in jobs], columns=columns)

    columns = ["rule", "name", "seconds"]
    known = work.jobs(configuration.load(yaml.safe_load((ROOT / "config.yaml").read_text())))
    measured = machines.Measured.of(known, took(known))
    others = [job for job in work.jobs(small) if job.rule in ("sample_solutions", "train_reward_model", "search")]
    for job, seconds in zip(others, took(others).seconds, strict=True):
        assert measured.seconds(job) == pytest.approx(seconds, rel=0.02)


def test_the_papers_cost_is_told_offline(tmp_path):
    files = [ROOT / "config.yaml", ROOT / "workflow/studies/paper.yaml"]
    command = [sys.executable, "-m", "prmscale.cost", "--gpu", "h100", *map(str, files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "paper on h100" in done.stdout
    table = pd.read_csv(tmp_path / "results/paper/tables/cost.csv").set_index("stage")
    stages = table.drop("total")
    assert {"sample_solutions", "label_solutions", "train_reward_model", "search", "search_trees"} <= set(stages.index)
    for column in ("gpu_hours", "tokens", "flops", "gb"):
        assert table.loc["total", column] == pytest.approx(stages[column].sum())
    # the trained weights of all sizes alone, in float32
    assert table.gb["train_reward_model"] > 4 * (0.5 + 1.5 + 3 + 7 * 12 + 14 + 32 + 2 * 72)


def test_a_model_of_unknown_size_is_named(small):
    config = deepcopy(SMOKE)
    config["policies"]["released"] = [{"name": "big", "model": "nobody/has-this"}]
    with pytest.raises(UserError, match=r"policies\.released, big: the size of nobody/has-this is not known"):
        model_of(configuration.load(config), "big")
