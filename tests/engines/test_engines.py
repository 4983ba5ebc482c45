"""The transformers engine on a tiny random model: against generate, against torch's FLOP counter,
in any batch.
"""

import dataclasses

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from scripted import problem
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForTokenClassification, LlamaConfig, LlamaForCausalLM

from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.prefix_tree import accepts_trees, pack
from prmscale.engines.backends.shared_prefix import seat
from prmscale.engines.backends.transformers_likelihood import TransformersLikelihood
from prmscale.engines.backends.transformers_policy import TransformersPolicy, sample
from prmscale.engines.backends.transformers_scorer import TransformersScorer, score_encoded
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Extension
from prmscale.errors import UserError
from prmscale.rewards.train import load_base
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps

PROMPTS = [
    "a is 3 ; b is a plus 2 ; find a b :",
    "a is 1 ; find a :",
    "a is 3 ; b is 3 times a ; find b a :",
]
PROBLEMS = [dataclasses.replace(problem(i), prompt=prompt) for i, prompt in enumerate(PROMPTS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.saved(tmp_path_factory.mktemp("model"), width=16, seed=3)


def policy(folder, **sampling):
    settings = Sampling(**{"max_tokens": 24, "temperature": 1.0, **sampling})
    return TransformersPolicy("t", Weights(folder), Prompting(), settings, "cpu", seed=5)


def texts(replies):
    return [[(c.steps, c.finish_reason, c.tokens) for c in reply] for reply in replies]


@pytest.mark.parametrize("key_heads", [4, 2])  # as many as query heads, and grouped queries
def test_greedy_decoding_is_that_of_generate(folder, tmp_path, key_heads):
    engine = policy(folder, temperature=0)
    shape = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    config = LlamaConfig(
        **engine.model.config.to_dict() | shape | {"num_key_value_heads": key_heads, "head_dim": 8}
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    engine.tokenizer.save_pretrained(tmp_path)
    engine, peer = policy(tmp_path, temperature=0), LlamaForCausalLM.from_pretrained(tmp_path)
    # prefixes of several lengths, each shared by some samples
    replies = engine.extend(
        [Extension(p, (), n, 0, "end") for p, n in zip(PROBLEMS, (1, 3, 2), strict=True)]
    )
    for p, reply in zip(PROBLEMS, replies, strict=True):
        ids = torch.tensor([steps.encode(engine.tokenizer, p.prompt, ())[0]])
        text = engine.tokenizer.decode(
            peer.generate(ids, max_new_tokens=24, do_sample=False)[0, ids.shape[1] :],
            skip_special_tokens=True,
        )
        assert {c.steps for c in reply} == {tuple(steps.split(text))}


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 200), st.integers(0, 50)
)
def test_every_row_has_one_seat_at_its_prefix(prefixes, shared, written):
    seating = seat(dict(enumerate(prefixes)), shared, written)
    assert sorted(i for i in seating.rows if i is not None) == list(range(len(prefixes)))
    assert len(seating.rows) == seating.slots * len(seating.entries)
    for place, row in enumerate(seating.rows):
        assert row is None or seating.entries[place // seating.slots] == prefixes[row]


def test_samples_do_not_depend_on_the_batch(folder):
    extensions = [Extension(p, (), 6, 0, "end") for p in PROBLEMS]
    whole = policy(folder, batch=64).extend(extensions)
    assert texts(policy(folder, batch=5).extend(extensions)) == texts(whole)
    later = policy(folder).extend([Extension(PROBLEMS[1], (), 2, 4, "end")])
    assert texts(later)[0] == texts(whole)[1][4:]
    np.testing.assert_allclose(
        [c.logprob for c in later[0]], [c.logprob for c in whole[1][4:]], rtol=1e-4
    )


def test_log_probabilities_are_those_of_the_model(folder):
    engine = policy(folder, temperature=0.7)
    (reply,) = engine.extend([Extension(PROBLEMS[0], (), 8, 0, "end")])
    for c in (c for c in reply if c.finish_reason == "length" and len(c.steps) == 1):
        ids, _ = steps.encode(engine.tokenizer, PROBLEMS[0].prompt, ())
        new = engine.tokenizer(c.steps[0], add_special_tokens=False)["input_ids"]
        if len(new) != c.tokens:
            continue  # blank lines or unknown words do not survive as text
        logs = engine.model(torch.tensor([ids + new])).logits.log_softmax(-1)[0, len(ids) - 1 : -1]
        assert c.logprob == pytest.approx(
            logs.gather(1, torch.tensor(new)[:, None]).sum().item(), abs=1e-3
        )


def test_likelihood_is_that_of_the_policy_on_its_own_samples(folder):
    engine, judge = policy(folder), TransformersLikelihood(folder, "cpu", batch_tokens=200)
    drawn = engine.extend([Extension(p, (), 60, 0, "step") for p in PROBLEMS])
    # a step that ended is text that reads back as its tokens, unless blank lines stood before it
    items = [
        (p, c)
        for p, reply in zip(PROBLEMS, drawn, strict=True)
        for c in reply
        if c.finish_reason is None
    ]
    items = [
        (p, c)
        for p, c in items
        if len(engine.tokenizer(c.steps[0] + "\n")["input_ids"]) == c.tokens
    ]
    assert len(items) > 10
    for found, (_, c) in zip(
        judge.read([(p, c.steps, False) for p, c in items]), items, strict=True
    ):
        assert (found.logprob, found.min_logprob) == pytest.approx(
            (c.logprob, c.min_logprob), abs=1e-3
        )
    ended, cut = judge.read([(PROBLEMS[0], ("b = 3",), ended) for ended in (True, False)])
    assert ended.logprob < cut.logprob and ended.flops > cut.flops


def test_a_step_ends_at_its_step_end(folder):
    (reply,) = policy(folder).extend([Extension(PROBLEMS[0], ("b = 3",), 40, 0, "step")])
    assert all(len(c.steps) <= 1 for c in reply)
    assert {c.finish_reason for c in reply} & {None, "stop"}


def test_sampling_follows_the_distribution():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]])).repeat(20000, 1)
    uniforms = torch.rand(20000, generator=torch.Generator().manual_seed(0))
    frequencies = sample(logits, uniforms, 1.0, 1.0).bincount(minlength=3) / 20000
    assert frequencies.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.02)
    nucleus = sample(logits, uniforms, 1.0, 0.6).bincount(minlength=3) / 20000
    assert nucleus.tolist() == pytest.approx([0.625, 0.375, 0], abs=0.02)
    assert sample(logits, uniforms, 0, 1.0).unique().tolist() == [0]


def test_flops_are_those_torch_counts(folder):
    engine = policy(folder)
    engine.model.set_attn_implementation(
        "eager"
    )  # counted as plain products, not halved for causality
    shape, tokens = Shape.from_model(engine.model), 12
    with FlopCounterMode(display=False) as counter:
        out = engine.model(torch.ones(1, tokens, dtype=torch.long), use_cache=True)
    # we count what causal attention needs, torch the whole square
    square = 4 * shape.layers * shape.width * (tokens**2 - tokens * (tokens + 1) / 2)
    assert counter.get_total_flops() == shape.forward_flops(tokens) + square
    with FlopCounterMode(display=False) as counter:
        engine.model(torch.ones(1, 1, dtype=torch.long), past_key_values=out.past_key_values)
    assert counter.get_total_flops() == shape.forward_flops(1, context=tokens)


def test_scores_do_not_depend_on_the_batch_and_survive_saving(folder, tmp_path):
    model, tokenizer = load_base(folder, seed=1)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    items = [(p, ("b = 3", "answer 3 3")[:n]) for p in PROBLEMS for n in (1, 2)]
    whole = TransformersScorer(tmp_path, "cpu").score(items)
    alone = [TransformersScorer(tmp_path, "cpu", batch_tokens=1).score([item])[0] for item in items]
    for found, again, (_, solution) in zip(whole, alone, items, strict=True):
        ends = list(found.ends)
        assert len(found.scores) == len(solution) == len(ends) - 1 and ends == sorted(set(ends))
        np.testing.assert_allclose(found.scores, again.scores, atol=1e-6)
    # a step's score does not look at later steps
    np.testing.assert_allclose(whole[0][0][0], whole[1][0][0], atol=1e-6)


@given(
    st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=9), min_size=1, max_size=9),
    st.integers(1, 9),
)
def test_a_tree_shows_every_token_the_text_before_it_and_nothing_else(texts, width):
    trees = pack(texts, width)
    assert sorted(number for tree in trees for number in tree.places) == list(range(len(texts)))
    for tree in trees:
        for number, places in tree.places.items():
            assert tree.ids[places].tolist() == texts[number]
            assert tree.positions[places].tolist() == list(range(len(places)))
            for at, place in enumerate(places):
                seen = [j for j in range(place + 1) if place < tree.ends[j]]
                assert seen == places[: at + 1].tolist()


def test_texts_share_a_tree_where_that_is_cheaper():
    prompt, answers = list(range(60)), [[100 + i] * 20 for i in range(8)]
    assert len(pack([prompt + answer for answer in answers], width=64)) == 1
    assert len(pack([[i, *prompt] for i in range(8)], width=64)) == 8  # nothing in common
    assert (
        len(pack([prompt[:2] + answer * 9 for answer in answers], width=1)) == 8
    )  # attention is all it costs


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("llama", True),
        ("qwen2", True),
        ("qwen3", True),
        ("gpt_neox", True),
        ("mistral", False),
        ("gpt2", False),
    ],
)
def test_scores_of_texts_that_share_a_beginning_are_those_of_each_alone(folder, kind, shares):
    tokenizer = policy(folder).tokenizer
    shape = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "initializer_range": 0.3,
    }
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    window = {"sliding_window": 4} if kind == "mistral" else {}
    config = AutoConfig.for_model(
        kind, vocab_size=len(tokenizer), num_labels=1, **shape, **heads, **window
    )
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_config(config).eval()
    encoded = [
        steps.encode_solution(tokenizer, p.prompt, (*["b = 3", "a is 4", "c = 5"][:n], last))
        for p in PROBLEMS
        for n in range(4)
        for last in ("answer 3 3", "answer 4")
    ]
    together = score_encoded(model, tokenizer, encoded, 512)
    assert accepts_trees(model) == shares
    for scores, each in zip(together, encoded, strict=True):
        alone = torch.sigmoid(model(torch.tensor([each.ids])).logits[0, each.ends, 0]).detach()
        np.testing.assert_allclose(scores, alone, atol=1e-6)
    rounded = score_encoded(model.bfloat16(), tokenizer, encoded, 512)
    np.testing.assert_allclose(np.concatenate(rounded), np.concatenate(together), atol=0.1)


def test_a_missing_model_says_what_to_do():
    with pytest.raises(UserError, match=r"no-such-model.*save_pretrained"):
        policy("no-such-model")
