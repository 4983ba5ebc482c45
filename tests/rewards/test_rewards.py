"""Reward models: what they are trained on, that they learn, and that others can load them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import tiny
from scripted import problem
from sklearn.metrics import roc_auc_score
from transformers import AutoModelForTokenClassification, AutoTokenizer

from prmscale.engines.backends.transformers_scorer import TransformersScorer, score_encoded
from prmscale.errors import UserError
from prmscale.rewards.examples import Example, Texts, examples, shuffle
from prmscale.rewards.metrics import best_of_n, metrics
from prmscale.rewards.train import load_base, train
from prmscale.rewards.training_set import apply_threshold
from prmscale.study import RewardTraining

LABELS = pd.DataFrame(
    {
        "problem_id": "toy/test/00000",
        "solution_id": [0] * 3 + [1] * 2,
        "step": [0, 1, 2, 0, 1],
        "value": [1.0, 0.0, 0.5, 0.25, 1.0],
        "label": [1, 0, 1, 1, 1],
        "truth": [1.0, 0.0, 0.0, 1.0, 1.0],
    }
)
SOLUTIONS = pd.DataFrame(
    {
        "problem_id": "toy/test/00000",
        "solution_id": [0, 1],
        "steps": [["a", "b", "c"], ["a", "d"]],
        "correct": [0, 1],
    }
)
PROBLEMS = {"toy/test/00000": problem()}


@pytest.mark.parametrize(
    ("settings", "targets"),
    [
        ({}, [[1, 0, 1], [1, 1]]),
        ({"supervise": "first_error"}, [[1, 0, np.nan], [1, 1]]),
        ({"target": "soft", "supervise": "first_error"}, [[1, 0, np.nan], [0.25, 1]]),
        ({"supervise": "outcome"}, [[np.nan, np.nan, 0], [np.nan, 1]]),
    ],
)
def test_targets_follow_the_configuration(settings, targets):
    made = examples(PROBLEMS, SOLUTIONS, LABELS, RewardTraining(**settings))
    for example, wanted in zip(made, targets, strict=True):
        np.testing.assert_equal(example.targets, np.array(wanted, float))


def test_a_soft_target_is_judged_by_its_label_and_ends_where_the_label_is_wrong():
    """A threshold may call wrong what has a value: the value is learnt, and the label counts."""
    unknown = LABELS.assign(truth=np.nan)
    strict = apply_threshold(unknown, 0.3)
    soft = RewardTraining(target="soft", supervise="first_error")
    first, second = examples(PROBLEMS, SOLUTIONS, strict, soft)
    np.testing.assert_equal(first.targets, [1, 0, np.nan])
    np.testing.assert_equal(second.targets, [0.25, np.nan])
    np.testing.assert_equal(second.truth, [0, np.nan])
    # whatever the target, a reward model is measured against the same labels
    for target in ("hard", "soft"):
        made = examples(PROBLEMS, SOLUTIONS, unknown, RewardTraining(target=target))
        assert [e.truth.tolist() for e in made] == [[1, 0, 1], [1, 1]]
    # a value of exactly one half, and of a quarter, is a right step
    scores = [np.array([0.9, 0.1, 0.8]), np.array([0.7, 0.6])]
    assert metrics(made, scores)["step_auc"] == 1.0


def test_labels_that_do_not_fit_the_steps_are_an_error():
    with pytest.raises(UserError, match=r"toy/test/00000, solution 0: 3 steps but 2 labels"):
        examples(PROBLEMS, SOLUTIONS, LABELS.drop(index=2), RewardTraining())


def test_a_filter_that_keeps_no_labels_leaves_no_examples():
    assert examples(PROBLEMS, SOLUTIONS, LABELS.iloc[:0], RewardTraining()) == []


def test_shuffling_keeps_the_labels_and_nothing_else():
    lengths = np.random.default_rng(0).integers(1, 4, 200)
    made = [
        Example(problem(i // 4), i % 4, ("x",) * n, np.full(n, i + 0.0), np.ones(n), i // 4 < 25)
        for i, n in enumerate(lengths)
    ]
    drawn = shuffle(made, 0)
    assert [(e.problem, e.solution_id, e.steps) for e in drawn] == [
        (e.problem, e.solution_id, e.steps) for e in made
    ]
    assert sorted(e.targets[0] for e in drawn) == list(range(200))
    assert all(len(e.targets) == len(e.steps) and e.correct == (e.targets[0] < 100) for e in drawn)
    # where a label stands says nothing of where it stood: neither its problem nor its outcome
    assert sum(e.problem == made[int(e.targets[0])].problem for e in drawn) < 10
    assert 35 < sum(e.correct for e in drawn[:100]) < 65
    again = shuffle(made, 0)
    assert all(np.array_equal(a.targets, b.targets) for a, b in zip(drawn, again, strict=True))


def test_best_of_n_takes_the_first_of_the_best():
    rights = [[0, 1, 1], [0, 0, 1], [0, 1, 0]]
    scores = [[[0.9, 0.1], [0.5, 0.5], [0.4, 0.4]], [[0.2], [0.2], [0.3]], [[0.5], [0.5], [0.5]]]
    made = [
        Example(problem(p), i, ("x",) * len(s), np.array(s) * 0 + r, np.array(s) * 0 + r, bool(r))
        for p, (outcomes, all_scores) in enumerate(zip(rights, scores, strict=True))
        for i, (r, s) in enumerate(zip(outcomes, all_scores, strict=True))
    ]
    found = best_of_n(made, [np.array(s) for of_problem in scores for s in of_problem])
    assert found.pop("one_sample") == pytest.approx(4 / 9)
    # by the mean and the sum the first two solutions of the first problem tie
    wanted = {"last": 2, "min": 2, "product": 2, "mean": 1, "sum": 1}
    assert found == pytest.approx(
        {f"best_of_n_{name}": right / 3 for name, right in wanted.items()}
    )


def test_metrics_against_a_brute_force_count():
    stream = np.random.default_rng(0)
    made, scores = [], []
    for number in range(30):
        for i in range(4):
            right = stream.random(3) < 0.7
            made.append(
                Example(
                    problem(number),
                    i,
                    ("x",) * 3,
                    right.astype(float),
                    right.astype(float),
                    right.all(),
                )
            )
            scores.append(np.clip(right * 0.3 + stream.random(3) * 0.7, 0, 1))
    found = metrics(made, scores)
    assert found["step_auc"] == pytest.approx(
        roc_auc_score(np.concatenate([e.targets for e in made]), np.concatenate(scores))
    )
    wins = total = 0
    for i, a in enumerate(made):
        for j, b in enumerate(made):
            if a.problem == b.problem and a.correct and not b.correct:
                wins += scores[i].min() > scores[j].min()
                total += 1
    assert found["pair_accuracy"] == pytest.approx(wins / total)
    # knowing only which problems are easy helps the pooled AUC and nothing within problems
    easy = [np.full(3, np.mean([e.correct for e in made if e.problem == x.problem])) for x in made]
    blind = metrics(made, easy)
    assert blind["step_auc"] > 0.55 and blind["within_auc"] == 0.5


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.saved(tmp_path_factory.mktemp("base"), width=32)


def test_a_reward_model_learns_a_visible_mistake_and_loads_without_our_code(base, tmp_path):
    # a wrong step says "+" where a right one says "-"
    made = []
    for i in range(120):
        right = np.array([bool(i & 1 << t) for t in range(3)])
        text = tuple(
            f"{name} = a {'-' if r else '+'} 1" for name, r in zip("bcd", right, strict=True)
        )
        so_far = np.cumprod(right).astype(float)
        made.append(
            Example(
                dataclasses.replace(problem(i), prompt="a is 1 :"),
                0,
                text,
                so_far,
                so_far,
                right.all(),
            )
        )
    model, tokenizer = load_base(base, seed=0)
    kept = []
    settings = RewardTraining(steps=60, batch=16, learning_rate=0.01, checkpoints=[50, 100])
    texts = Texts.encode(tokenizer, made)
    train(model, texts, settings, 0, lambda *facts: kept.append(facts))
    assert [(percent, step) for percent, step, *_ in kept] == [(50, 30), (100, 60)] and kept[0][
        2
    ] < kept[1][2]
    scores = score_encoded(model, tokenizer, texts.encoded, 4096)
    assert metrics(made, scores)["step_accuracy"] > 0.95
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    scored = TransformersScorer(tmp_path, "cpu").score([(e.problem, e.steps) for e in made])
    again = [each.scores for each in scored]
    np.testing.assert_allclose(np.concatenate(again), np.concatenate(scores), atol=1e-6)
    # as the card says
    peer, words = (
        AutoModelForTokenClassification.from_pretrained(tmp_path),
        AutoTokenizer.from_pretrained(tmp_path),
    )
    ids = words(
        made[0].problem.prompt + "\n" + made[0].steps[0] + "\n", return_tensors="pt"
    ).input_ids
    assert peer(ids).logits[0, -1, 0].sigmoid().item() == pytest.approx(scores[0][0], abs=1e-6)
