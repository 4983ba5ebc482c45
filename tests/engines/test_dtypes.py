"""The number format of weights, and what the most likely tokens tell of a distribution."""

import numpy as np
import pytest
import tiny
import torch

from prmscale.engines.backends.loading import Weights, announce_dtype
from prmscale.engines.backends.vllm_policy import TOP, bound_certainty
from prmscale.engines.models import Device, load_policy
from prmscale.study import Prompting, Sampling

OLD, NEW = {"avx2": True, "amx_bf16": False}, {"avx512_bf16": True}


@pytest.mark.parametrize(
    ("dtype", "device", "cpu", "chosen"),
    [
        ("auto", "cpu", NEW, "bfloat16"),
        ("auto", "cpu", OLD, "float32"),
        ("float32", "cuda", NEW, "float32"),
        ("bfloat16", "cpu", OLD, "bfloat16"),
    ],
)
def test_auto_is_what_the_device_computes_in(dtype, device, cpu, chosen, monkeypatch, capsys):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)
    assert announce_dtype("m", dtype, device) == chosen
    printed = capsys.readouterr().out
    assert f"m: weights in {chosen} on {device}" in printed
    is_slow = (device, cpu, chosen) == ("cpu", OLD, "bfloat16")
    assert ("Warning: m: this CPU has no instructions for bfloat16" in printed) == is_slow


@pytest.mark.parametrize(("able", "chosen"), [(True, "bfloat16"), (False, "float16")])
def test_auto_is_float16_on_gpus_without_bfloat16(able, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: able)
    assert announce_dtype("m", "auto", "cuda") == chosen


@pytest.mark.parametrize(("cpu", "kept"), [(OLD, torch.float32), (NEW, torch.bfloat16)])
def test_a_policy_says_the_format_that_it_was_loaded_in(tmp_path, monkeypatch, cpu, kept):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)
    weights = Weights(tiny.saved(tmp_path, width=16), "auto")
    policy = load_policy("t", weights, Prompting(), Sampling(), Device(), seed=0)
    assert next(policy.model.parameters()).dtype == kept == getattr(torch, policy.dtype)


@pytest.mark.parametrize("spread", [0.5, 2.0, 5.0])
def test_the_most_likely_tokens_bound_self_certainty_from_below(spread):
    generator = np.random.default_rng(0)
    exact, bounds = [], []
    for _ in range(200):
        logs = torch.log_softmax(torch.tensor(spread * generator.normal(size=500)), 0).numpy()
        exact.append(-logs.mean() - np.log(len(logs)))
        bounds.append(bound_certainty(np.sort(logs)[-TOP:], len(logs)))
    assert np.all(np.array(bounds) <= np.array(exact) + 1e-9)
    assert np.corrcoef(bounds, exact)[0, 1] > 0.5


def test_the_bound_is_exact_where_the_other_tokens_are_equally_likely():
    chances = np.array([0.6, 0.2, *[0.2 / 8] * 8])
    exact = -np.log(chances).mean() - np.log(10)
    assert bound_certainty(np.log(chances[:2]), 10) == pytest.approx(exact)
    assert bound_certainty(np.log(chances), 10) == pytest.approx(exact)
