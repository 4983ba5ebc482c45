"""Training in several processes and parts, cut and resumed, with LoRA adapters: one
reward model.
"""

import dataclasses
import os
import signal
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from safetensors.torch import load_file
from scripted import problem
from transformers import AutoModelForTokenClassification

from prmscale import tables
from prmscale.engines.backends import prefix_tree
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.errors import UserError
from prmscale.rewards import replicates
from prmscale.rewards.examples import Example, Texts
from prmscale.rewards.parallel import launch
from prmscale.rewards.train import load_base, train
from prmscale.study import RewardTraining
from prmscale.tasks.base import to_table

SETTINGS = {"steps": 6, "batch": 7, "learning_rate": 0.01, "optimizer": "adamw"}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return str(tiny.saved(tmp_path_factory.mktemp("base"), width=16))


def made(count=30):
    """Solutions of unequal lengths, some of whose steps carry no loss."""
    stream = np.random.default_rng(0)
    found = []
    for i in range(count):
        targets = stream.choice([0.0, 1.0, np.nan], stream.integers(2, 5))
        targets[0] = 1.0
        text = tuple(f"b = a {'-' if t == 1 else '+'} 1" for t in targets)
        found.append(
            Example(
                dataclasses.replace(problem(i), prompt="a is 1 :"),
                0,
                text,
                targets,
                targets,
                targets[-1] == 1,
            )
        )
    return found


def trained(base, folder, examples=None, **settings):
    """Train, by default on what `made` gives, and save the weights at the end."""
    model, tokenizer = load_base(base, seed=0)
    texts = Texts.encode(tokenizer, examples or made())

    def keep(percent, step, flops, weights):
        if int(os.environ.get("RANK", 0)) == 0:
            model.save_pretrained(folder, state_dict=weights)
            tokenizer.save_pretrained(folder)
            (folder / "flops").write_text(str(flops))

    train(model, texts, RewardTraining(**{**SETTINGS, **settings}), 0, keep)
    return model


def in_two(base, folder, settings):
    """What each of two processes does."""
    trained(base, folder, **settings)


def same(one, other):
    """Whether two folders hold the same weights up to rounding."""
    first, second = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert (one / "flops").read_text() == (other / "flops").read_text()
    return (
        all(torch.allclose(first[name], second[name], atol=2e-5) for name in first)
        and first.keys() == second.keys()
    )


def test_two_processes_and_parts_of_a_batch_train_what_one_does(base, tmp_path):
    trained(base, tmp_path / "one")
    trained(base, tmp_path / "parts", accumulation=3, activation_checkpointing=True)
    launch(in_two, 2, base, tmp_path / "two", {"accumulation": 2})
    assert same(tmp_path / "one", tmp_path / "parts") and same(tmp_path / "one", tmp_path / "two")
    trained(base, tmp_path / "other", learning_rate=0.011)
    assert not same(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize(
    "settings",
    [
        {"ranking_weight": 1.0},
        {"whole_problems": True},
        {"whole_problems": True, "accumulation": 3},
        {"whole_problems": True, "lora": {"rank": 4, "alpha": 8}},
    ],
)
def test_prefixes_that_are_read_once_train_what_rows_do(base, tmp_path, monkeypatch, settings):
    # six solutions a problem, some of them equal
    of_problems = [
        dataclasses.replace(each, problem=dataclasses.replace(each.problem, problem_id=str(i // 6)))
        for i, each in enumerate(made(36))
    ]
    read, inputs_of = [], prefix_tree.inputs

    def count(trees, model):
        read.append(trees)
        return inputs_of(trees, model)

    monkeypatch.setattr(prefix_tree, "inputs", count)
    trained(base, tmp_path / "trees", of_problems, **settings)
    assert read
    monkeypatch.setattr(prefix_tree, "accepts_trees", lambda model: False)
    read.clear()
    trained(base, tmp_path / "rows", of_problems, **settings)
    assert not read and same(tmp_path / "trees", tmp_path / "rows")


def test_what_several_processes_cannot_train_is_said(base, tmp_path):
    with pytest.raises(UserError, match=r"optimizer = 'muon' on 2 GPUs: .*adamw"):
        launch(in_two, 2, base, tmp_path, {"optimizer": "muon"})


def test_several_nodes_need_slurm(base, tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(UserError, match=r"4 processes on 2 nodes .*--profile slurm.*gpus"):
        launch(in_two, 4, base, tmp_path, {}, nodes=2)


def inputs(folder):
    """Tables of problems, solutions and labels."""
    examples = made()
    folder.mkdir()
    problems = [
        dataclasses.replace(e.problem, split="train" if i else "validation")
        for i, e in enumerate(examples)
    ]
    solutions = [
        {
            "problem_id": e.problem.problem_id, "solution_id": 0, "policy": "t",
            "steps": list(e.steps), "text": "", "answer": "1", "finish_reason": "stop",
            "tokens": 1, "correct": bool(e.correct), "logprob": 0.0, "min_logprob": 0.0,
            "self_certainty": 0.0, "prefix_tokens": 1, "flops": 1.0, "prefix_flops": 1.0,
        }
        for e in examples
    ]  # fmt: skip
    labels = [
        {
            "problem_id": e.problem.problem_id, "solution_id": 0, "step": t,
            "method": "oracle", "decision": "truth", "rollouts": 0, "successes": 0,
            "value": float(target == 1), "label": int(target == 1), "policy": "t",
            "weights": "", "k": 0, "tokens_spent": 0, "truth": float(target == 1),
            "temperature": 1.0, "seed": 0,
        }
        for e in examples
        for t, target in enumerate(e.targets)
    ]  # fmt: skip
    paths = []
    for kind, table in (
        ("problems", to_table(problems)),
        ("solutions", solutions),
        ("labels", labels),
    ):
        paths.append([str(folder / f"{kind}.parquet")])
        tables.write(pd.DataFrame(table), paths[-1][0], kind)
    return replicates.Inputs(*paths)


def rule(base, read, done, head, dies_at=None):
    """Run the rule's work on two replicates; die like a killed job at a checkpoint of the second
    one.
    """
    settings = RewardTraining(**SETTINGS, head=head, checkpoints=[50, 100], resume_minutes=1e-9)
    data = {"name": "all", "datasets": ["toy"], "labels": "oracle"}
    params = {
        "training": settings.model_dump(), "data": data, "model": "toy", "base": "t",
        "base_folders": [base, base],
        "revision": None, "steps": "", "train_on": "math", "role": "", "seed": 0, "device": "cpu",
    }  # fmt: skip
    add = replicates._add

    def dying(path, row):
        add(path, row)
        if row["training_step"] == dies_at and path.parent.name == "2.making":
            os.kill(os.getpid(), signal.SIGKILL)

    if dies_at:
        replicates._add = dying
    replicates.train_replicates(read, params, done)


@pytest.mark.parametrize(
    ("head", "dies_at"), [("scalar", 3), ("scalar", 6), ("evidence", 6), ("implicit", 6)]
)
def test_a_killed_training_goes_on_to_the_same_bytes(base, tmp_path, head, dies_at):
    read = inputs(tmp_path / "tables")
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    rule(base, read, tmp_path / "whole", head)
    process = get_context("spawn").Process(
        target=rule, args=(base, read, tmp_path / "cut", head, dies_at)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    first = (tmp_path / "cut/1/model.safetensors").stat()
    rule(base, read, tmp_path / "cut", head)
    assert (tmp_path / "cut/1/model.safetensors").stat() == first, (
        "a replicate that is done is not trained again"
    )
    files = sorted(
        p.relative_to(tmp_path / "whole")
        for p in (tmp_path / "whole").glob("[12]/**/*")
        if p.is_file()
    )
    assert len(files) > 10
    for file in files:
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "cut" / file).read_bytes(), (
            file
        )


def test_low_rank_changes_are_merged_into_an_ordinary_folder(base, tmp_path):
    adapted = trained(base, tmp_path, steps=20, lora={"rank": 4, "alpha": 8})
    before, after = (
        load_base(base, seed=0)[0].state_dict(),
        load_file(tmp_path / "model.safetensors"),
    )
    peer = AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert before.keys() == after.keys() == peer.state_dict().keys()
    change = (
        after["model.layers.0.mlp.up_proj.weight"] - before["model.layers.0.mlp.up_proj.weight"]
    )
    assert 0 < torch.linalg.matrix_rank(change, rtol=1e-3) <= 4
    assert torch.equal(before["model.embed_tokens.weight"], after["model.embed_tokens.weight"])
    assert not torch.equal(before["score.weight"], after["score.weight"])
    ids = torch.arange(12)[None]
    torch.testing.assert_close(adapted(ids).logits, peer(ids).logits, atol=1e-5, rtol=1e-4)
    assert (
        len(
            TransformersScorer(tmp_path, "cpu")
            .score([(made()[0].problem, made()[0].steps)])[0]
            .scores
        )
        >= 2
    )


def test_a_training_that_diverges_is_stopped_with_a_remedy(base, tmp_path):
    with pytest.raises(UserError, match=r"the loss of step \d+ is (nan|inf)\. .*learning rate"):
        trained(base, tmp_path, learning_rate=1e30, steps=30)
