"""Activation patterns against brute force, their comparison on sets whose truth is known, and figure 6's choice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from transformers import AutoModelForCausalLM

from prmscale.analysis import claims, patterns
from prmscale.analysis.verdicts import Rules
from prmscale.engines.sensitivity import Sensitivity
from prmscale.engines.transformers_likelihood import encode
from prmscale.errors import UserError
from prmscale.figures import fig6, table2
from prmscale.study import World
from prmscale.tasks.arithmetic import Arithmetic

REPORTED = pd.read_csv(Path(__file__).parents[1] / "workflow/reported/table2.csv")
RULES = Rules(equivalence_margin=0.05, aggregation="min")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.saved(tmp_path_factory.mktemp("model"), 16)


@pytest.fixture(scope="module")
def items():
    problems = Arithmetic("arithmetic", World()).load("test", 12, 0)
    texts = [("b = a + 1",), ("b = 2 * a", "The answer is 1 2"), ("b = 3 - a", "c = b", "The answer is 0 5")]
    return [(p, texts[i % 3], i % 2 == 0) for i, p in enumerate(problems)]


@pytest.fixture(scope="module")
def exact(model, items):
    """Normalised dot products of |weight · gradient of the log-likelihood|, by autograd one response at a time."""
    reference, tokenizer = AutoModelForCausalLM.from_pretrained(model), Sensitivity(model, "cpu", 7, 0).tokenizer
    weights = list(reference.parameters())
    rows = []
    for item in items:
        ids, _, start = encode(tokenizer, *item)
        logs = reference(torch.tensor([ids])).logits[0].log_softmax(-1)
        likelihood = sum(logs[at - 1, ids[at]] for at in range(start, len(ids)))
        gradients = torch.autograd.grad(likelihood, weights)
        rows.append(torch.cat([(w * g).abs().flatten() for w, g in zip(weights, gradients, strict=True)]))
    table = torch.stack(rows).detach()
    return np.asarray(torch.nn.functional.normalize(table, dim=1) @ torch.nn.functional.normalize(table, dim=1).T)


def test_patterns_are_those_of_brute_force_where_the_sketch_is_as_long_as_the_model(model, items, exact):
    found = Sensitivity(model, "cpu", 20_011, 0).patterns(items)
    np.testing.assert_allclose(found @ found.T, exact, atol=1e-5)
    again = Sensitivity(model, "cpu", 20_011, 0).patterns(items)
    assert found.tobytes() == again.tobytes()


def test_a_sketch_errs_as_little_as_its_formula_says(model, items, exact):
    size, off = 521, ~np.eye(len(exact), dtype=bool)
    errors = []
    for seed in range(20):
        sketched = Sensitivity(model, "cpu", size, seed).patterns(items)
        errors.append((sketched @ sketched.T - exact)[off])
    assert np.sqrt(np.mean(np.square(errors))) < 1.3 * np.sqrt((1 + exact[off] ** 2) / size).mean()
    assert abs(np.mean(errors)) < 0.03  # no bias: without signs all errors would be positive


def _study(generator, problems=40, gain=0.0, trainings=2, tilt=0.0):
    """Picks and patterns of both domains: each set's response is noise around a shared direction, of which selected
    ones have `gain` more, and selected ones and those as long as they `tilt` more.
    """
    shared = np.eye(30)[0]
    chosen, rows, vectors = {}, {}, []
    for domain in ("math", "code"):
        table = []
        for n in range(problems):
            own = 0.3 * generator.normal(size=30)
            for training in range(1, trainings + 1):
                for kind in patterns.SETS:
                    fresh = training == 1 or kind in (patterns.SELECTED, patterns.MATCHED)
                    pick = len(vectors) if fresh else table[-4]["solution_id"]
                    table.append({"problem_id": f"{domain}/{n}", "set": kind, "seed": training, "solution_id": pick})
                    if fresh:
                        more = gain * (kind == patterns.SELECTED)
                        more += tilt * (kind in (patterns.SELECTED, patterns.MATCHED))
                        vector = (1 + more) * shared + own + 0.3 * generator.normal(size=30)
                        rows[f"{domain}/{n}", pick] = pick
                        vectors.append(vector / np.linalg.norm(vector))
        chosen[domain] = pd.DataFrame(table)
    return chosen, rows, np.array(vectors)


def _compared(*arguments, draws=400, **options):
    return patterns.compare(*_study(*arguments, **options), draws=draws).set_index("comparison")


def test_similarities_are_means_over_all_pairs():
    chosen, rows, vectors = _study(np.random.default_rng(0), problems=5)
    found = patterns.compare(chosen, rows, vectors, draws=50).set_index(["first", "second"])
    for (first, second), sets in patterns.PAIRS.items():
        a, b = (
            [[rows[key] for key in zip(own.problem_id, own.solution_id, strict=True)] for _, own in groups]
            for groups in (
                chosen[domain][chosen[domain].set == kind].groupby("seed")
                for domain, kind in zip(("math", "code"), sets, strict=True)
            )
        )
        pairs = [vectors[i] @ vectors[j] for x, y in zip(a, b, strict=True) for i in x for j in y]
        assert found.loc[(first, second), "mean"] == pytest.approx(np.mean(pairs))
    assert set(found["n"]) == {10} and set(found["seeds"]) == {2}


def test_where_selection_is_blind_p_is_uniform_and_intervals_hold_zero():
    generator = np.random.default_rng(1)
    studies = [_compared(generator, problems=25, trainings=1, draws=200) for _ in range(100)]
    for contrast in patterns.CONTRASTS:
        p = np.array([s.loc[contrast, "p"] for s in studies])
        assert (p < 0.05).mean() <= 0.12 and 0.35 <= (p < 0.5).mean() <= 0.65
        held = [s.loc[contrast, "low"] <= 0 <= s.loc[contrast, "high"] for s in studies]
        assert np.mean(held) >= 0.88


def test_the_projection_spreads_as_resampled_problems_do():
    """The interval against a bootstrap that draws the problems of both domains and means over all pairs again."""
    generator = np.random.default_rng(2)
    chosen, rows, vectors = _study(generator, gain=0.5, trainings=1)
    found = patterns.compare(chosen, rows, vectors).set_index("comparison").loc[patterns.RAW]
    sets = {
        domain: [vectors[table[table.set == kind].sort_values("problem_id").solution_id] for kind in patterns.SETS]
        for domain, table in chosen.items()
    }
    drawn = []
    for _ in range(2000):
        m, c = (generator.integers(40, size=40) for _ in range(2))
        means = {d: [v[i].mean(axis=0) for v in sets[d]] for d, i in (("math", m), ("code", c))}
        (u, _, v, _), (x, _, y, _) = means["math"], means["code"]
        drawn.append(v @ y - u @ x)
    assert found["high"] - found["low"] == pytest.approx(np.subtract(*np.quantile(drawn, [0.975, 0.025])), rel=0.1)


@pytest.mark.parametrize(
    ("gain", "tilt", "verdicts"),
    [
        (0.5, 0.0, ["supported", "supported"]),
        (-0.5, 0.0, ["not supported", "not supported"]),
        (0.0, 0.5, ["supported", "inconclusive"]),  # length alone makes them alike
    ],
)
def test_a_planted_effect_is_found_and_one_of_length_alone_is_not_taken_for_it(gain, tilt, verdicts):
    table = patterns.compare(*_study(np.random.default_rng(3), 100, gain, tilt=tilt))
    found = claims.pattern_similarity(table, RULES, REPORTED)
    assert [c.verdict for c in found] == verdicts
    assert found[0].reported == "+0.042" and found[0].n == 200 and found[0].seeds == 2
    by_name = table.set_index("comparison")
    assert by_name.loc[patterns.RAW, "p"] < 0.01 and by_name.loc[patterns.NOTHING, "p"] > 0.05
    assert by_name.loc[patterns.NOTHING, "low"] < 0 < by_name.loc[patterns.NOTHING, "high"]


def _scores(trainings=(1, 2)):
    """Five problems with a wrong and then a right sample whose margins (min) are .1 to .5, and one with none right."""
    rows = []
    for n, margin in enumerate([0.3, 0.1, 0.5, 0.2, 0.4, None]):
        for draw, (correct, last) in enumerate([(False, 0.4), (margin is not None, 0.4 + (margin or 0)), (True, 1.0)]):
            for step, score in enumerate([0.95, last][: 1 + (margin is not None)]):
                rows += [
                    {
                        "dataset": "sums", "problem_id": f"sums/test/{n}", "solution_id": draw, "step": step,
                        "text": f"step {step} of {draw}", "truth": float(correct or step == 0),
                        "correct": correct and margin is not None, "reward_model": f"prm_{role}", "role": role,
                        "seed": seed, "score": score,
                    }
                    for role in ("math", "code")
                    for seed in trainings
                ]  # fmt: skip
    return pd.DataFrame(rows)


def test_fig6_shows_the_problem_with_the_median_margin_of_its_first_right_and_wrong_sample():
    scores = _scores()
    shown = fig6.typical(scores.sample(frac=1, random_state=0), "min")
    assert shown["problem_id"].unique().tolist() == ["sums/test/0"] and sorted(shown["solution_id"]) == [0, 1]
    four = scores[scores["problem_id"] != "sums/test/0"]
    assert set(fig6.typical(four, "min")["problem_id"]) == {"sums/test/3"}  # .2, the lower of .2 and .4
    _, data = fig6.draw(scores, pd.DataFrame(), None, 0.95, 100, 0, "min")
    wrong = data[(data["role"] == "math") & ~data["correct"]].sort_values("step")
    assert wrong["score"].tolist() == [0.95, 0.4] and wrong["truth"].tolist() == [1.0, 0.0]


def test_fig6_writes_steps_that_are_no_formulas(tmp_path):
    scores = _scores().assign(text="Then $\\boxed{x_\nis $4.\n")
    figure, _ = fig6.draw(scores, pd.DataFrame(), None, 0.95, 100, 0, "min")
    figure.savefig(tmp_path / "fig6.png")
    assert figure.axes[0].get_yticklabels()[0].get_text() == "Then $\\boxed{x_ is $4."


def test_picks_are_the_best_scored_and_another_text_as_long():
    solutions = pd.DataFrame(
        {
            "problem_id": "p", "solution_id": range(5), "text": ["a", "b", "b", "c", "d"],
            "tokens": [3, 9, 9, 8, 9],
        }
    )  # fmt: skip
    scores = pd.DataFrame(
        [("p", seed, n, 0, s) for seed in (1, 2) for n, s in enumerate([0.1, 0.9, 0.9, 0.5 * seed])],
        columns=["problem_id", "seed", "solution_id", "step", "score"],
    )
    found = patterns.picks(solutions, scores, "last", 10, 0).pivot(index="set", columns="seed", values="solution_id")
    assert found.loc[patterns.SELECTED].tolist() == [1, 3]
    assert found.loc[patterns.MATCHED].tolist() == [3, 1]  # solution 4 was not scored
    assert (found.loc[patterns.RANDOM] != found.loc[patterns.OTHER]).all()


def test_table2_puts_the_papers_numbers_below_ours():
    table = patterns.compare(*_study(np.random.default_rng(4), 10)).assign(policy="m", reference="m")
    _, data = table2.draw(table, pd.DataFrame(), REPORTED, 0.95, 100, 0, "min")
    assert data["source"].value_counts().to_dict() == {"this study": 7, "paper": 4}
    paper = data[data["source"] == "paper"].set_index(["first", "second"])["mean"]
    assert paper["MathPRM", "CodePRM"] == pytest.approx(0.3095)


def test_without_roles_it_is_said_what_is_missing():
    with pytest.raises(UserError, match=r"fig6: .*roles math and code"):
        fig6.draw(_scores()[:0], pd.DataFrame(), None, 0.95, 100, 0, "min")
    with pytest.raises(UserError, match=r"table2: .*roles math and code"):
        table2.draw(pd.DataFrame(columns=patterns.COLUMNS), pd.DataFrame(), None, 0.95, 100, 0, "min")
    (one,) = claims.pattern_similarity(None, RULES)
    assert one.verdict == "not yet measured"
