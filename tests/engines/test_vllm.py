"""Both engines behind one interface: the same greedy text, log-probabilities, limits, frequencies
and scores.
"""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.special import logit
from scipy.stats import chi2_contingency
from scripted import problem
from transformers import AutoModelForTokenClassification, AutoTokenizer

pytest.importorskip("vllm", reason="vLLM has an environment of its own: make test-vllm")

from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.engines.backends.vllm_scorer import VllmScorer
from prmscale.engines.models import Device, load_policy
from prmscale.engines.requests import Asked, Extension
from prmscale.errors import UserError
from prmscale.policies.pretrain import build, encode, pretrain
from prmscale.study import LadderModel, Pretraining, Prompting, Sampling, World
from prmscale.tasks.world.corpus import build_tokenizer


def asked(prompts):
    return [dataclasses.replace(problem(i), prompt=prompt) for i, prompt in enumerate(prompts)]


PROBLEMS = asked(
    [
        "a is 3 ; b is a plus 2 ; find a b :",
        "a is 1 ; find a :",
        "a is 3 ; b is 3 times a ; find b a :",
    ]
)
LESSON = asked([f"b is {k} less than a :" for k in range(7)])
ENGINES = ("transformers", "vllm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small model that has read one lesson, of which two of five authors have the order of the
    difference wrong.

    Its heads have a size that vLLM knows on CPUs. What it makes of other problems is anything.
    """
    path = tmp_path_factory.mktemp("model")
    tokenizer = build_tokenizer(World())
    model = build(LadderModel(name="t", width=64, layers=2, heads=2), tokenizer, seed=0)
    said = [
        f"b = a - {k}" if author < 3 else f"b = {k} - a" for author in range(5) for k in range(7)
    ]
    documents = [
        (p.prompt, f"{text}\nanswer {k % 7}\n")
        for k, text in enumerate(said)
        for p in [LESSON[k % 7]]
    ] * 120
    pretrain(
        model, encode(tokenizer, documents), Pretraining(checkpoints=[100]), 0, lambda *_: None
    )
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def engines(folder):
    def load(engine):
        settings = Sampling(engine=engine, temperature=1.0, max_tokens=16, batch=256)
        return load_policy("t", folder, Prompting(), settings, Device(), seed=5)

    return {engine: load(engine) for engine in ENGINES}


def at(engine, temperature):
    engine.sampling = engine.sampling.model_copy(update={"temperature": temperature})
    return engine


@pytest.mark.parametrize("rule", ["line", "blank_line", "block"])
def test_greedy_text_costs_and_log_probabilities_are_the_same(engines, rule):
    for engine in engines.values():
        engine.prompting = engine.prompting.model_copy(update={"steps": {"math": rule}})
    extensions = [
        Extension(p, prefix, 1, 0, until)
        for p in PROBLEMS
        for prefix in ((), ("b = 3",))
        for until in ("step", "end")
    ]
    ours, theirs = (at(engines[name], 0).extend(extensions) for name in ENGINES)
    for (a,), (b,) in zip(ours, theirs, strict=True):
        same = ("steps", "finish_reason", "tokens", "prefix_tokens", "flops", "prefix_flops")
        assert [getattr(a, name) for name in same] == [getattr(b, name) for name in same]
        assert (a.logprob, a.min_logprob) == pytest.approx((b.logprob, b.min_logprob), abs=1e-2)
    for engine in engines.values():
        engine.prompting = Prompting()


@pytest.mark.parametrize("name", ENGINES)
def test_draws_are_numbered_and_seeded(engines, name):
    engine = at(engines[name], 2.0)
    (whole,) = engine.extend([Extension(PROBLEMS[0], (), 8, 0, "end")])
    engine.forget()
    (later,) = engine.extend([Extension(PROBLEMS[0], (), 3, 5, "end")])
    assert [(c.steps, c.tokens) for c in later] == [(c.steps, c.tokens) for c in whole[5:]]
    assert len({c.steps for c in whole}) > 4
    assert all(c.tokens <= 16 and c.finish_reason in ("stop", "length") for c in whole)


@pytest.mark.parametrize("name", ENGINES)
def test_a_step_ends_at_its_step_end(engines, name):
    (reply,) = at(engines[name], 2.0).extend([Extension(PROBLEMS[0], ("b = 3",), 60, 0, "step")])
    assert all(len(c.steps) <= 1 for c in reply)
    assert {c.finish_reason for c in reply} >= {None}
    assert all(len(c.steps) == 1 for c in reply if c.finish_reason is None)


def test_more_prompts_than_are_read_together(engines):
    extensions = [
        Extension(p, ("b = 3",) * 200, 1, 0, "end") for p in LESSON
    ]  # 5,700 tokens, no prefix in common
    engine = at(engines["vllm"], 1.0)
    room = engine.sampling
    engine.sampling = room.model_copy(
        update={"max_tokens": len(engine._ids(LESSON[0], ("b = 3",) * 200))}
    )
    replies = engine.extend(extensions)
    engine.sampling = room
    assert all(c.tokens > 0 for (c,) in replies)


def alike(one, other):
    """Whether two samples may be of one distribution: a chi-squared test that fails one fair pair
    in 1,000.
    """
    common = [value for value in one | other if one[value] + other[value] >= 20]
    table = np.array([[counts[value] for value in common] for counts in (one, other)])
    rest = np.array([[one.total()], [other.total()]]) - table.sum(1, keepdims=True)
    return chi2_contingency(np.hstack([table, rest]) if rest.sum() else table).pvalue > 1e-3


def test_first_tokens_and_endings_are_alike_in_distribution(engines):
    seen = []
    for name in ENGINES:
        (reply,) = at(engines[name], 2.0).extend([Extension(PROBLEMS[0], (), 1500, 0, "step")])
        first = Counter((c.steps[0].split() or [""])[0] if c.steps else "" for c in reply)
        seen.append((first, Counter(c.finish_reason for c in reply)))
    assert all(alike(one, other) for one, other in zip(*seen, strict=True))


def test_answers_are_right_equally_often(engines):
    right = [
        Counter(
            c.steps == (f"b = a - {k}", f"answer {k}")
            for k, reply in enumerate(
                at(engines[name], 0.8).extend([Extension(p, (), 300, 0, "end") for p in LESSON])
            )
            for c in reply
        )
        for name in ENGINES
    ]
    assert alike(*right)
    assert 0.2 < right[0][True] / right[0].total() < 0.8


def test_texts_are_continued_and_words_read_alike(engines):
    texts = [[1, 2, 3], [4, 5, 6, 7]]
    ours, theirs = (engines[name].next_logprobs(texts, [8, 9]) for name in ENGINES)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    asked = [Asked(str(n), text, ("=",)) for n, text in enumerate(texts)]
    for name in ENGINES:
        for (written,) in engines[name].write(asked, 1):
            assert "=" not in written.text and (written.cut or written.tokens)


def test_nothing_is_asked_of_vllm_and_nothing_comes_back(engines):
    assert engines["vllm"].extend([]) == engines["vllm"].write([], 2) == []
    assert engines["vllm"].next_logprobs([], [1, 2]).shape == (0, 2)


def test_groups_are_collected_as_they_end_and_hold_the_draws_of_one_batch(engines):
    engine = at(engines["vllm"], 1.0)
    groups = [
        [Extension(p, prefix, samples, 0, until)]
        for p in PROBLEMS
        for prefix in ((), ("b = 3",))
        for samples, until in ((1, "step"), (6, "end"))
    ]
    engine.forget()
    together = engine.extend([e for group in groups for e in group])
    engine.forget()
    numbers = [engine.start(group) for group in groups[:8]]
    found = [engine.collect()]
    assert 0 < len(found[0]) < 8, "it does not wait for the slowest"
    numbers += [engine.start(group) for group in groups[8:]]
    while more := engine.collect():
        found.append(more)
    replies = {number: group for part in found for number, group in part.items()}
    texts = [[(c.steps, c.tokens) for c in replies[number][0]] for number in numbers]
    assert texts == [[(c.steps, c.tokens) for c in reply] for reply in together]
    assert engine.collect() == {}


def test_self_certainty_is_a_lower_bound_where_it_is_asked_for(engines):
    extensions = [Extension(p, (), 1, 0, "end") for p in PROBLEMS]
    exact, unasked = (at(engines[name], 0).extend(extensions) for name in ENGINES)
    assert all(np.isnan(c.self_certainty) for (c,) in unasked)
    engines["vllm"].is_certainty_asked = True
    bounds = engines["vllm"].extend(extensions)
    engines["vllm"].is_certainty_asked = False
    for (a,), (b,) in zip(exact, bounds, strict=True):
        assert 0 < b.self_certainty <= a.self_certainty + 1e-3


def save_scorer(model, folder, path):
    model.save_pretrained(path)
    AutoTokenizer.from_pretrained(folder).save_pretrained(path)


# after the engines' tests: a scorer that is dropped takes from them what vLLM's models share
def test_scores_are_the_same(folder, tmp_path):
    torch.manual_seed(1)
    model = AutoModelForTokenClassification.from_pretrained(folder, num_labels=1)
    items = [
        (p, ("b = 3", "c = b + 2 = 4", "answer 3 3")[:n])
        for p in [*PROBLEMS, *LESSON]
        for n in (1, 3)
    ]
    save_scorer(model, folder, tmp_path)
    logits = logit(
        np.concatenate([s.scores for s in TransformersScorer(tmp_path, "cpu").score(items)])
    )
    with torch.no_grad():  # a spread that scores can be told by
        model.score.weight *= 2 / logits.std()
        model.score.bias.fill_(-2 * logits.mean() / logits.std())
    save_scorer(model, folder, tmp_path)
    ours, theirs = TransformersScorer(tmp_path, "cpu"), VllmScorer(tmp_path, gpus=0)
    assert ours.shape == theirs.shape
    assert theirs.score([]) == []
    found = [scorer.score(items) for scorer in (ours, theirs)]
    for a, b in zip(*found, strict=True):
        assert (list(b.ends), b.scores.shape) == (list(a.ends), a.scores.shape)
        np.testing.assert_allclose(b.scores, a.scores, atol=1e-4)
    assert np.ptp(np.concatenate([b.scores for b in found[1]])) > 0.5


# last, because vLLM loses what it shares with other models of the process
def test_a_model_that_vllm_does_not_take_is_an_error_for_people(tmp_path):
    tokenizer = build_tokenizer(World())
    build(LadderModel(name="t", width=16, layers=1, heads=2), tokenizer, seed=0).save_pretrained(
        tmp_path
    )
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(
        UserError, match=r"tiny: vLLM fails: .*head_dim=8.*\nThe engine transformers"
    ):
        policy = load_policy(
            "tiny", tmp_path, Prompting(), Sampling(engine="vllm"), Device(), seed=5
        )
        policy.extend([Extension(PROBLEMS[0], (), 1, 0, "end")])
