"""Released reward models whose heads vLLM knows: the scores that transformers gives them."""

import numpy as np
import pytest
import torch
from tiny_prms import ASKED, STEPS, WIDE, released, wide_qwen, word_tokenizer
from transformers import LlamaConfig, LlamaForTokenClassification

pytest.importorskip("vllm", reason="vLLM has an environment of its own: make test-vllm")

from prmscale.engines.backends.released_scorer import ReleasedScorer
from prmscale.engines.backends.vllm_scorer import VllmReleasedScorer
from prmscale.engines.facts import FACTS
from prmscale.engines.models import Device, load_scorer
from prmscale.files import write_json
from prmscale.rewards.released import describe

SPREAD = {"initializer_range": 0.3}  # of scores that can be told apart


def qwen(folder):
    wide_qwen(folder, **SPREAD)


def trl(folder):
    word_tokenizer(folder)
    torch.manual_seed(0)
    model = LlamaForTokenClassification(LlamaConfig(**{**WIDE, **SPREAD}, num_labels=2))
    torch.nn.init.normal_(model.score.bias)
    model.save_pretrained(folder)


@pytest.mark.parametrize("build", [qwen, trl])
def test_scores_are_those_of_transformers(build, tmp_path):
    (tmp_path / "model").mkdir()
    build(tmp_path / "model")
    settings = released(tmp_path / "model", build.__name__)
    write_json(describe(settings).to_json(), tmp_path / FACTS)
    theirs = load_scorer(tmp_path, Device(), "vllm")
    assert isinstance(theirs, VllmReleasedScorer)
    ours = ReleasedScorer(settings, "cpu")
    assert ours.shape == theirs.shape
    items = [(ASKED, STEPS[:n]) for n in (1, 2, 3)] + [(ASKED, STEPS[1:])]
    found = [scorer.score(items) for scorer in (ours, theirs)]
    for a, b in zip(*found, strict=True):
        assert list(b.ends) == list(a.ends)
        np.testing.assert_allclose(b.scores, a.scores, atol=1e-4)
    assert np.ptp(np.concatenate([each.scores for each in found[1]])) > 0.05
