"""Damaged models and tables, and numbers that are not finite, are told and never used."""

import dataclasses

import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file
from scripted import problem
from transformers import AutoModelForCausalLM

from prmscale import tables
from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.finite import require_finite
from prmscale.errors import UserError
from prmscale.files import CHECKSUMS, seal
from prmscale.policies.pretrain import build, pretrain
from prmscale.study import LadderModel, Pretraining, World
from prmscale.tasks.base import to_table
from prmscale.tasks.world.corpus import build_tokenizer

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path):
    return tiny.saved(tmp_path / "model", width=16)


def load(folder):
    return load_pretrained(AutoModelForCausalLM, folder)


def flip(file):
    """Change one bit of the last bytes, which are weights or rows."""
    content = bytearray(file.read_bytes())
    content[-9 if file.name == WEIGHTS else len(content) // 3] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_with_their_name(value, folder):
    weights = load_file(folder / WEIGHTS)
    name = next(name for name in weights if "mlp" in name)
    weights[name][0, 0] = value
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(UserError, match=rf"the weights {name} are not finite"):
        load(folder)


def test_truncated_weights_are_told(folder):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="could not be loaded by AutoModelForCausalLM"):
        load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", "tokenizer.json"])
def test_a_changed_or_missing_file_of_a_sealed_model_is_told(name, folder, tmp_path):
    seal(folder)
    folder = folder.rename(tmp_path / "sealed")
    assert load(folder)
    other = tmp_path / "changed"
    folder.rename(other)
    flip(other / name)
    with pytest.raises(UserError, match=rf"{name}: .*SHA-256.*Delete"):
        load(other)
    lost = tmp_path / "lost"
    other.rename(lost)
    (lost / name).unlink()
    with pytest.raises(UserError, match=rf"{name}: the file is missing"):
        load(lost)


def test_a_model_without_checksums_is_taken_as_it_is(folder):
    assert not (folder / CHECKSUMS).exists() and load(folder)


def test_a_flipped_bit_in_a_table_is_told(tmp_path):
    path = tmp_path / "problems.parquet"
    problems = [dataclasses.replace(problem(i), prompt=f"{i} apples :" * 50) for i in range(200)]
    tables.write(to_table(problems), path, "problems")
    flip(path)
    for columns in (None, ["prompt"]):
        with pytest.raises(UserError, match=r"problems\.parquet: not a readable Parquet table"):
            tables.read(path, "problems", columns)


def test_numbers_that_are_not_finite_are_told_with_a_remedy():
    require_finite([0.5, -1e30], "x")
    with pytest.raises(UserError, match=r"the score is nan\. .*damaged"):
        require_finite(np.array([0.5, np.nan]), "the score")
    with pytest.raises(UserError, match=r"the loss is -?inf\. Wait"):
        require_finite(-np.inf, "the loss", "Wait")


def test_a_pretraining_that_diverges_is_stopped():
    tokenizer = build_tokenizer(World())
    model = build(LadderModel(name="t", width=16, layers=2, heads=2), tokenizer, seed=0)
    with torch.no_grad():
        model.lm_head.weight.mul_(1e30)
    documents = [([1, 2, 3, 4, 5, 6], 2)] * 8
    settings = Pretraining(tokens=1000, batch=4, learning_rate=1e20, checkpoints=[100])
    with pytest.raises(UserError, match=r"the loss of step \d+ is (nan|inf)\. .*learning rate"):
        pretrain(model, documents, settings, 0, lambda *_: None)
