"""A released PRM's format is a class and one line in FORMATS."""

import pytest
import torch
from scripted import problem
from tiny import saved
from transformers import AutoModelForCausalLM

from prmscale.engines import models
from prmscale.engines.backends import released_scorer
from prmscale.engines.backends.released_base import Format, join_steps, replace_head
from prmscale.engines.facts import FACTS
from prmscale.files import write_json
from prmscale.study import ReleasedRewardModel

WRONG, RIGHT = 5, 7  # tokens


class Toy(Format):
    model = AutoModelForCausalLM

    def prepare(self, model, tokenizer):
        replace_head(model, model.get_output_embeddings().weight[[WRONG, RIGHT]])
        return model

    def encode(self, tokenizer, prompt, steps):
        return join_steps(tokenizer.encode(prompt), [tokenizer.encode(step) for step in steps])


def test_a_toy_format_scores_through_load_scorer(monkeypatch, tmp_path):
    monkeypatch.setitem(released_scorer.FORMATS, "toy", Toy)
    monkeypatch.setattr(models, "ReleasedRewardModel", ReleasedRewardModel.model_construct)
    released = {
        "name": "theirs",
        "model": str(saved(tmp_path, 16)),
        "format": "toy",
        "dtype": "float32",
    }
    write_json({"released": released}, tmp_path / FACTS)
    scorer = models.load_scorer(tmp_path, models.Device())
    solution = problem(), ("1 + 1 = 2", "2 + 2 = 4")
    (found,) = scorer.score([solution])
    ids = torch.tensor([scorer.encode(*solution).ids])
    logits = AutoModelForCausalLM.from_pretrained(tmp_path)(ids).logits[0, found.ends[1] - 1]
    wanted = logits[[WRONG, RIGHT]].softmax(-1)[1].item()
    assert found.scores[0] == pytest.approx(wanted, abs=1e-5)
