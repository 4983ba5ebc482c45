"""The heads that judge by token probabilities, and the ranking loss: what they compute, learn, cost
and save.
"""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scripted import problem
from transformers import AutoModelForCausalLM, AutoTokenizer

from prmscale.engines import heads
from prmscale.engines.backends.transformers_scorer import TransformersScorer, score_encoded
from prmscale.engines.flops import Shape
from prmscale.errors import UserError
from prmscale.policies.pretrain import build, encode, pretrain
from prmscale.rewards.examples import Example, Texts
from prmscale.rewards.metrics import metrics
from prmscale.rewards.train import epoch_batches, load_base, train
from prmscale.study import LadderModel, Pretraining, RewardTraining, World
from prmscale.tasks.steps import encode_solution
from prmscale.tasks.world.corpus import build_tokenizer

HEADS = ["scalar", "evidence", "implicit"]
STEPS = ("b = a - 2", "c = b + 3 = 5", "answer 4 5")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A small language model that has read one lesson: `b = a - K` with the K of the problem."""
    path = tmp_path_factory.mktemp("base")
    tokenizer = build_tokenizer(World())
    model = build(LadderModel(name="t", width=32, layers=2, heads=2), tokenizer, seed=0)
    documents = [(f"b is {k} less than a :", f"b = a - {k}\n") for k in range(7)] * 1500
    pretrain(
        model,
        encode(tokenizer, documents),
        Pretraining(checkpoints=[100], batch=32),
        0,
        lambda *_: None,
    )
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def lesson(solutions_a_problem=4, problems=40):
    """Solutions that copy the problem's number or another: right where the base expects it,
    whatever the number.
    """
    stream = np.random.default_rng(0)
    made = []
    for number in range(problems):
        asked = number % 7
        for i in range(solutions_a_problem):
            right = i % 2 == 0
            said = asked if right else (asked + stream.integers(1, 7)) % 7
            target = np.array([float(right)])
            made.append(
                Example(
                    dataclasses.replace(problem(number), prompt=f"b is {asked} less than a :"),
                    i, (f"b = a - {said}",), target, target, right,
                )
            )  # fmt: skip
    return made


def encoded(tokenizer, examples):
    return [encode_solution(tokenizer, e.problem.prompt, e.steps) for e in examples]


def trained(base, examples, **settings):
    """A reward model trained on the examples, its scores of them, and the checkpoints' facts."""
    settings = RewardTraining(**{"batch": 16, "learning_rate": 0.01, **settings})
    model, tokenizer = load_base(base, 0, head=settings.head)
    kept, texts = [], Texts.encode(tokenizer, examples)
    train(model, texts, settings, 0, lambda *facts: kept.append(facts))
    return model, score_encoded(model.eval(), tokenizer, texts.encoded, 4096), kept


def scores(model, tokenizer, steps, prompt="b is 2 less than a :"):
    return score_encoded(
        model.eval(), tokenizer, [encode_solution(tokenizer, prompt, steps)], 4096
    )[0]


def perturbed(base, head):
    """A model of this head that is not what it was before training."""
    model, tokenizer = load_base(base, 0, head=head)
    stream = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.startswith(("base.", "reference.")):
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=stream))
    return model.eval(), tokenizer


def test_the_evidence_head_learns_what_surprise_means(base):
    made = lesson()
    model, found, _ = trained(base, made, head="evidence", steps=150)
    assert metrics(made, found)["step_accuracy"] > 0.95
    # the base is as it was: only the head has learned
    original = AutoModelForCausalLM.from_pretrained(base).state_dict()
    assert all(
        torch.equal(value, original[name]) for name, value in model.base.state_dict().items()
    )


def test_evidence_is_that_of_the_tokens_probabilities(base):
    model, tokenizer = perturbed(base, "evidence")
    text = encode_solution(tokenizer, "b is 2 less than a :", STEPS)
    ids = torch.tensor([text.ids])
    logs = AutoModelForCausalLM.from_pretrained(base)(ids).logits.log_softmax(-1)[0]
    for position, found in enumerate(model.features(ids)[0]):
        before = logs[position - 1]
        surprisal = -before[text.ids[position]]
        entropy = torch.distributions.Categorical(logits=before).entropy()
        wanted = (
            torch.stack([surprisal, entropy, before.max() + surprisal])
            if position
            else torch.zeros(3)
        )
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


def test_the_prompt_carries_no_evidence(base):
    for head in ("evidence", "implicit"):
        model, tokenizer = perturbed(base, head)
        text = encode_solution(tokenizer, "b is 2 less than a :", STEPS)
        types = torch.tensor([[0] * text.start + [1] * (len(text.ids) - text.start)])
        logits = model(torch.tensor([text.ids]), token_type_ids=types).logits[0, :, 0]
        bias = model.bias.item() if head == "evidence" else 0.0
        torch.testing.assert_close(logits[: text.start], torch.full((text.start,), bias))
        assert abs(logits[text.start].item() - bias) > 1e-6
        with pytest.raises(ValueError, match="token_type_ids"):
            model(torch.tensor([text.ids]))


def test_the_implicit_logit_is_the_scaled_log_ratio(base):
    model, tokenizer = load_base(base, 0, head="implicit")
    assert scores(model, tokenizer, STEPS).tolist() == [0.5] * 3  # policy and reference are one
    model, tokenizer = perturbed(base, "implicit")
    text = encode_solution(tokenizer, "b is 2 less than a :", STEPS)
    ids = torch.tensor([text.ids])
    total, wanted = 0.0, []
    policy, reference = (m(ids).logits.log_softmax(-1)[0] for m in (model.policy, model.reference))
    for position in range(text.start, len(text.ids)):
        token = text.ids[position]
        total += (policy[position - 1, token] - reference[position - 1, token]).item()
        if position in text.ends:
            wanted.append(1 / (1 + np.exp(-0.05 * total)))
    np.testing.assert_allclose(scores(model, tokenizer, STEPS), wanted, atol=1e-6)
    assert np.ptp(wanted) > 1e-3


def test_the_implicit_head_learns_steps_from_outcomes(base):
    made = [
        dataclasses.replace(
            e, steps=("a = 1", *e.steps), targets=np.array([np.nan, e.correct]), truth=np.ones(2)
        )
        for e in lesson()
    ]
    model, found, _ = trained(base, made, head="implicit", steps=150, supervise="outcome")
    assert metrics(made, found)["best_of_n_last"] > 0.95
    original = AutoModelForCausalLM.from_pretrained(base).state_dict()
    assert all(
        torch.equal(value, original[name]) for name, value in model.reference.state_dict().items()
    )


@pytest.mark.parametrize("head", HEADS)
def test_scores_look_back_only_and_do_not_depend_on_the_batch(base, head, monkeypatch):
    model, tokenizer = perturbed(base, head)
    whole = scores(model, tokenizer, STEPS)
    np.testing.assert_allclose(scores(model, tokenizer, STEPS[:1]), whole[:1], atol=1e-6)
    np.testing.assert_allclose(
        scores(model, tokenizer, (*STEPS[:2], "answer"))[:2], whole[:2], atol=1e-6
    )
    texts = [encode_solution(tokenizer, "b is 2 less than a :", STEPS[:n]) for n in (1, 3, 2)]
    for rows in (heads._LOGITS, 1):  # all rows at once, one by one
        monkeypatch.setattr(heads, "_LOGITS", rows)
        for n, found in zip((1, 3, 2), score_encoded(model, tokenizer, texts, 4096), strict=True):
            np.testing.assert_allclose(found, whole[:n], atol=1e-6)
    assert np.ptp(whole) > 1e-5


ALONE = """
import json, sys
class Ours:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "prmscale":
            raise ImportError(name)
sys.meta_path.insert(0, Ours())
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer
folder, ids, types = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
plain = types is None
AutoTokenizer.from_pretrained(folder, trust_remote_code=not plain)
model = AutoModelForTokenClassification.from_pretrained(folder, trust_remote_code=not plain)
marked = {} if plain else {"token_type_ids": torch.tensor([types])}
with torch.inference_mode():
    logits = model(input_ids=torch.tensor([ids]), **marked).logits[0, :, 0]
print(json.dumps(logits.sigmoid().tolist()))
"""


@pytest.mark.parametrize("head", HEADS)
def test_a_saved_model_scores_the_same_bits_at_every_loading_ours_or_not(base, head, tmp_path):
    model, tokenizer = perturbed(base, head)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    scorer = TransformersScorer(tmp_path / "model", "cpu")
    item = (dataclasses.replace(problem(), prompt="b is 2 less than a :"), STEPS)
    loaded = scorer.score([item])[0].scores
    again = TransformersScorer(tmp_path / "model", "cpu").score([item])[0].scores
    assert loaded.tolist() == again.tolist()
    # weights read from a file lie elsewhere in memory, which may turn the last bit of a matrix
    # product
    np.testing.assert_allclose(loaded, scores(model, tokenizer, STEPS), atol=1e-6)
    assert type(scorer.model) is type(model)  # ours, not the copy in the folder
    text = encode_solution(tokenizer, "b is 2 less than a :", STEPS)
    types = None if head == "scalar" else [0] * text.start + [1] * (len(text.ids) - text.start)
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "home"),
        "PYTHONPATH": "",
    }
    command = [
        sys.executable,
        "-c",
        ALONE,
        tmp_path / "model",
        json.dumps(text.ids),
        json.dumps(types),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [json.loads(done.stdout)[end] for end in text.ends] == loaded.tolist()


def test_code_in_a_folder_is_not_run(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "strange", "auto_map": {"AutoConfig": "evil.Config"}})
    )
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    build_tokenizer(World()).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="could not be loaded"):
        TransformersScorer(tmp_path, "cpu")
    assert not (tmp_path / "ran").exists()


def test_costs_count_every_model_that_is_run(base):
    language = Shape.from_model(AutoModelForCausalLM.from_pretrained(base))
    small = 19 * 64 + 64
    evidence, implicit = (
        Shape.from_model(load_base(base, 0, head=head)[0]) for head in ("evidence", "implicit")
    )
    assert evidence == Shape(language.linear_weights + small, language.layers, language.width)
    assert implicit == Shape(2 * language.linear_weights, 2 * language.layers, language.width)
    made = lesson(problems=4)  # one batch an epoch
    lengths = [len(e.ids) for e in encoded(AutoTokenizer.from_pretrained(base), made)]
    read = sum(language.forward_flops(n) for n in lengths)
    spent = {
        head: trained(base, made, head=head, steps=3)[2][0][2] for head in ("evidence", "implicit")
    }
    assert spent["evidence"] == pytest.approx(read + 3 * 6 * small * sum(lengths))
    assert spent["implicit"] == pytest.approx(read + 3 * 3 * read)


@pytest.mark.parametrize("head", HEADS)
def test_no_steps_keep_a_fresh_head(base, head):
    made = lesson(problems=2)
    _, found, kept = trained(base, made, head=head, steps=0, checkpoints=[50, 100])
    assert kept == [(100, 0, 0.0, None)]
    fresh, tokenizer = load_base(base, 0, head=head)
    again = score_encoded(fresh.eval(), tokenizer, encoded(tokenizer, made), 4096)
    assert np.array_equal(np.concatenate(found), np.concatenate(again))


def test_batches_of_a_ranking_loss_hold_whole_problems(base):
    made = lesson()
    texts = Texts.encode(AutoTokenizer.from_pretrained(base), made)
    batches = epoch_batches(texts, RewardTraining(batch=16, ranking_weight=1.0), 0)
    assert sorted(i for batch in batches for i in batch) == list(range(len(made)))
    for batch in batches:
        assert len(batch) == 16
        assert {len([i for i in batch if made[i].problem == made[j].problem]) for j in batch} == {4}


def test_a_ranking_loss_finds_what_difficulty_hides(base):
    # "+" is frequent in easy problems and so, over all, in right solutions; within a problem it is
    # never the better
    easy = [("-", True), ("+", True), ("+", True), ("+", True), ("+", True), ("+", False)]
    hard = [("-", True), ("-", False), ("-", False), ("-", False), ("-", False), ("+", False)]
    made = []
    for number in range(40):
        for i, (sign, right) in enumerate(hard if number % 2 else easy):
            target = np.array([float(right)])
            shared = dataclasses.replace(
                problem(number), prompt="b is 2 less than a :"
            )  # difficulty cannot be seen
            made.append(Example(shared, i, (f"b = a {sign} 1",), target, target, right))
    pairs = {
        weight: metrics(made, trained(base, made, ranking_weight=weight, steps=60)[1])[
            "pair_accuracy"
        ]
        for weight in (0.0, 5.0)
    }
    # four of five pairs tie; the fifth is the only one that can be ranked
    assert pairs == pytest.approx({0.0: 0.4, 5.0: 0.6})
