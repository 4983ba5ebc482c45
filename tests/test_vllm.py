"""Both engines behind one interface: the same greedy text, log-probabilities, limits and frequencies."""

import dataclasses
from collections import Counter

import pytest
import torch
from scripted import problem
from transformers import LlamaConfig, LlamaForCausalLM

pytest.importorskip("vllm", reason="vLLM has an environment of its own: make test-vllm")

from prmscale.engines.policy import Extension
from prmscale.policies.engine import load_policy
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks.corpus import build_tokenizer

PROMPTS = ["a is 3 ; b is a plus 2 ; find a b :", "a is 1 ; find a :", "a is 3 ; b is 3 times a ; find b a :"]
PROBLEMS = [dataclasses.replace(problem(i), prompt=prompt) for i, prompt in enumerate(PROMPTS)]
ENGINES = ("transformers", "vllm")


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """A random model whose heads have a size that vLLM knows on CPUs, in both engines."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = build_tokenizer(World())
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        initializer_range=0.3,  # a spread that greedy choices and frequencies can be told by
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)

    def load(engine):
        settings = Sampling(engine=engine, temperature=1.0, max_tokens=16, batch=64)
        return load_policy("t", folder, Prompting(), settings, "cpu", 0, seed=5)

    return {engine: load(engine) for engine in ENGINES}


def at(engine, temperature):
    engine.sampling = engine.sampling.model_copy(update={"temperature": temperature})
    return engine


def test_greedy_text_costs_and_log_probabilities_are_the_same(engines):
    asked = [
        Extension(p, prefix, 1, 0, until) for p in PROBLEMS for prefix in ((), ("b = 3",)) for until in ("step", "end")
    ]
    ours, theirs = (at(engines[name], 0).extend(asked) for name in ENGINES)
    for (a,), (b,) in zip(ours, theirs, strict=True):
        same = ("steps", "finish_reason", "tokens", "prefix_tokens", "flops", "prefix_flops")
        assert [getattr(a, name) for name in same] == [getattr(b, name) for name in same]
        assert (a.logprob, a.min_logprob) == pytest.approx((b.logprob, b.min_logprob), abs=1e-2)


@pytest.mark.parametrize("name", ENGINES)
def test_draws_are_numbered_and_seeded(engines, name):
    engine = at(engines[name], 1.0)
    (whole,) = engine.extend([Extension(PROBLEMS[0], (), 8, 0, "end")])
    engine.forget()
    (later,) = engine.extend([Extension(PROBLEMS[0], (), 3, 5, "end")])
    assert [(c.steps, c.tokens) for c in later] == [(c.steps, c.tokens) for c in whole[5:]]
    assert len({c.steps for c in whole}) > 4
    assert all(c.tokens <= 16 and c.finish_reason in ("stop", "length") for c in whole)


@pytest.mark.parametrize("name", ENGINES)
def test_a_step_ends_at_its_step_end(engines, name):
    (reply,) = at(engines[name], 1.0).extend([Extension(PROBLEMS[0], ("b = 3",), 60, 0, "step")])
    assert all(len(c.steps) <= 1 for c in reply)
    assert {c.finish_reason for c in reply} >= {None}
    assert all(len(c.steps) == 1 for c in reply if c.finish_reason is None)


def test_first_tokens_and_endings_are_alike_in_distribution(engines):
    seen = {}
    for name in ENGINES:
        (reply,) = at(engines[name], 1.0).extend([Extension(PROBLEMS[0], (), 1500, 0, "step")])
        first = Counter((c.steps[0].split() or [""])[0] if c.steps else "" for c in reply)
        seen[name] = first, Counter(c.finish_reason for c in reply)
    for a, b in zip(*seen.values(), strict=True):
        # total variation distance: two samples of 1500 over some 70 words differ by about .08 by chance
        assert sum(abs(a[word] - b[word]) for word in a | b) / 3000 < 0.15
