"""Activation patterns against brute force, their comparison on sets whose truth is known, and
figure 6's choice.
"""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from transformers import AutoModelForCausalLM

from prmscale.analysis import patterns
from prmscale.analysis.verdicts import Rules
from prmscale.claims import pattern_similarity
from prmscale.engines.backends.sensitivity import Sensitivity
from prmscale.engines.backends.transformers_likelihood import encode
from prmscale.errors import UserError
from prmscale.figures import fig6, table2
from prmscale.results import Results
from prmscale.study import World
from prmscale.tasks.world.arithmetic import Arithmetic

TABLE2 = Path(__file__).parents[2] / "workflow/prmscale/figures/reported/table2.csv"
REPORTED = pd.read_csv(TABLE2)
RULES = Rules(smallest_effects={"math_to_code": 0.05}, aggregation="min")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.saved(tmp_path_factory.mktemp("model"), 16)


@pytest.fixture(scope="module")
def items():
    problems = Arithmetic("arithmetic", World()).load("test", 12, 0)
    texts = [
        ("b = a + 1",),
        ("b = 2 * a", "The answer is 1 2"),
        ("b = 3 - a", "c = b", "The answer is 0 5"),
    ]
    return [(p, texts[i % 3], i % 2 == 0) for i, p in enumerate(problems)]


@pytest.fixture(scope="module")
def exact(model, items):
    """Normalised dot products of |weight · gradient of the log-likelihood|, by autograd one
    response at a time.
    """
    reference, tokenizer = (
        AutoModelForCausalLM.from_pretrained(model),
        Sensitivity(model, "cpu", 7, 0).tokenizer,
    )
    weights = list(reference.parameters())
    rows = []
    for item in items:
        ids, _, start = encode(tokenizer, *item)
        logs = reference(torch.tensor([ids])).logits[0].log_softmax(-1)
        likelihood = sum(logs[at - 1, ids[at]] for at in range(start, len(ids)))
        gradients = torch.autograd.grad(likelihood, weights)
        rows.append(
            torch.cat([(w * g).abs().flatten() for w, g in zip(weights, gradients, strict=True)])
        )
    table = torch.stack(rows).detach()
    return np.asarray(
        torch.nn.functional.normalize(table, dim=1) @ torch.nn.functional.normalize(table, dim=1).T
    )


def test_patterns_are_those_of_brute_force_where_the_sketch_is_as_long_as_the_model(
    model, items, exact
):
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
    """Picks and patterns of both domains: each text is noise around a shared direction, of which
    selected ones have `gain` more, and those as long as selected ones `tilt` more. Two of a
    problem's four texts are that long.
    """
    chosen, rows, vectors = {}, {}, []
    for domain in ("math", "code"):
        table = []
        for n in range(problems):
            picked, drawn = generator.integers(2, size=trainings), generator.integers(4)
            centre = 0.3 * generator.normal(size=30)
            for text in range(4):
                key = {
                    "problem_id": f"{domain}/{n}",
                    "solution_id": text,
                    "tokens": 10 + 10 * (text // 2),
                }
                for seed, pick in enumerate(picked, 1):
                    table.append(
                        {**key, "drawn": text == drawn, "replicate": seed, "selected": text == pick}
                    )
                vector = centre + 0.3 * generator.normal(size=30)
                vector[0] += 1 + gain * (text in picked) + tilt * (text < 2)
                rows[f"{domain}/{n}", text] = len(vectors)
                vectors.append(vector / np.linalg.norm(vector))
        chosen[domain] = pd.DataFrame(table)
    return chosen, rows, np.array(vectors)


def _real_samples():
    """Eight draws a problem of both domains, and the patterns of their texts.

    Of tests/cases/repeated_texts.csv: a laptop study's policy `m` on 60 test problems of each
    domain, temperature .8, one row a text, with its draws and its `Sensitivity` pattern (by `m`) in
    the eight leading singular directions.
    """
    texts = pd.read_csv(Path(__file__).parents[1] / "cases/repeated_texts.csv")
    vectors = texts.filter(like="pattern").to_numpy()
    texts["text"] = texts.index.astype(str)
    texts["solution_id"] = texts["draws"].astype(str).str.split()
    samples = texts.explode("solution_id").astype({"solution_id": int})
    rows = dict(
        zip(
            zip(samples["problem_id"], samples["solution_id"], strict=True),
            samples.index,
            strict=True,
        )
    )
    domains = {domain: rows.reset_index(drop=True) for domain, rows in samples.groupby("domain")}
    return domains, rows, vectors


def _judged(samples, value, seed, problems=60, draws=200):
    """The comparison on the real samples, of which each training of the PRMs scores a text by
    value(texts, domain).
    """
    domains, rows, vectors = samples
    chosen = {}
    for domain, responses in domains.items():
        scores = value(responses["text"].astype(int).to_numpy(), domain)
        parts = [
            responses.assign(replicate=number, step=0, score=score)
            for number, score in enumerate(scores, 1)
        ]
        table = pd.concat(parts)[["problem_id", "solution_id", "replicate", "step", "score"]]
        chosen[domain] = patterns.picks(responses, table, "last", problems, seed)
    return patterns.compare(chosen, rows, vectors, draws=draws, seed=seed).set_index("comparison")


def _responses(table, vectors, rows):
    """The patterns of the selected texts and of all, a list of a problem's each, of one training's
    picks.
    """
    groups = [group for _, group in table.groupby("problem_id")]
    found = []
    for kept in ([group[group["selected"]] for group in groups], groups):
        found.append(
            [
                vectors[
                    [rows[name, n] for name, n in zip(k.problem_id, k.solution_id, strict=True)]
                ]
                for k in kept
            ]
        )
    return dict(zip((patterns.SELECTED, patterns.RANDOM), found, strict=True))


def test_similarities_are_means_over_all_pairs_of_selected_texts_and_of_distinct_ones():
    chosen, rows, vectors = _study(np.random.default_rng(0), problems=5)
    found = patterns.compare(chosen, rows, vectors, draws=50).set_index(["first", "second"])
    for (first, second), (a, b) in patterns.PAIRS.items():
        pairs = []
        for seed in (1, 2):
            both = [
                _responses(chosen[d][chosen[d].replicate == seed], vectors, rows)
                for d in ("math", "code")
            ]
            pairs += [(x @ y.T).mean() for x in both[0][a] for y in both[1][b]]
        assert found.loc[(first, second), "mean"] == pytest.approx(np.mean(pairs))
    assert set(found["n"]) == {10} and set(found["seeds"]) == {2}


def test_p_is_that_of_selection_and_match_redone_with_all_permutations_of_the_scores():
    """Two problems a domain, three texts each of which two are as long: every permutation by hand,
    within strata.
    """
    generator = np.random.default_rng(5)
    vectors = generator.normal(size=(12, 3)) + 1
    scores = generator.normal(size=(4, 3))
    everywhere, as_long = list(permutations(range(3))), [(0, 1, 2), (1, 0, 2)]

    def effect(orders, matched):
        both = {"math": [], "code": []}
        for problem, order in enumerate(orders):
            texts, best = (
                vectors[3 * problem : 3 * problem + 3],
                int(scores[problem][list(order)].argmax()),
            )
            other = texts[[1, 0, 2][best]] if matched else texts.mean(axis=0)
            both["math" if problem < 2 else "code"].append((texts[best], other))
        (a, b), (c, d) = (np.mean(both[domain], axis=0) for domain in ("math", "code"))
        return a @ c - b @ d

    table = pd.DataFrame([(f"p{n}", k, 9 + 9 * (k == 2)) for n in range(4) for k in range(3)])
    table = table.set_axis(["problem_id", "solution_id", "tokens"], axis=1).assign(
        text=lambda t: t.solution_id, step=0
    )
    table = table.assign(replicate=1, score=scores.ravel())
    chosen = {
        d: patterns.picks(t, t, "last", 9, 0) for d, t in (("math", table[:6]), ("code", table[6:]))
    }
    rows = {(f"p{n}", k): 3 * n + k for n in range(4) for k in range(3)}
    found = patterns.compare(chosen, rows, vectors, draws=4000).set_index("comparison")
    for name, orders, matched in (
        (patterns.RAW, everywhere, False),
        (patterns.LENGTH, as_long, True),
    ):
        effects = [effect(each, matched) for each in product(orders, repeat=4)]
        measured = effect([(0, 1, 2)] * 4, matched)
        assert found.loc[name, "mean"] == pytest.approx(measured)
        assert np.mean(effects) == pytest.approx(
            0, abs=1e-9
        )  # no artefact is left of a blind selection
        exact = np.mean(np.abs(effects) >= abs(measured) * (1 - 1e-9))
        assert 0.02 < exact < 0.98 and found.loc[name, "p"] == pytest.approx(exact, abs=0.03)


def test_of_a_blind_selection_on_real_samples_little_is_found_and_of_one_that_sees_patterns_much():
    samples, generator = _real_samples(), np.random.default_rng(1)
    texts = len(samples[2])
    blind = []
    for study in range(300):
        scores = generator.normal(size=(2, texts)) + generator.normal(size=texts)
        blind.append(_judged(samples, lambda chosen, _, s=scores: s[:, chosen], study, problems=30))
    rates = {}
    for name in (patterns.RAW, patterns.LENGTH):
        each = pd.concat([study.loc[[name]] for study in blind])
        rates[name] = ((each["p"] < 0.05).mean(), (each["low"] > 0).mean(), each["mean"].mean())
        print(
            f"{name}: p < .05 in {rates[name][0]:.1%}, supported {rates[name][1]:.1%}, mean "
            f"{rates[name][2]:+.4f}"
        )
    assert (
        max(abs(mean) for _, _, mean in rates.values()) < 0.001
    )  # a choice of draws against texts leaves .004
    assert (
        max(p for p, _, _ in rates.values()) <= 0.07
        and max(held for _, held, _ in rates.values()) <= 0.07
    )

    other = {}
    for domain, opposite in (("math", "code"), ("code", "math")):
        other[domain] = samples[2] @ samples[2][
            np.unique(samples[0][opposite].text.astype(int))
        ].mean(axis=0)
    seeing = _judged(samples, lambda texts, domain: other[domain][None, texts].repeat(2, 0), 0)
    assert (seeing.loc[[patterns.RAW, patterns.LENGTH], "p"] < 0.01).all()
    assert (seeing.loc[[patterns.RAW, patterns.LENGTH], "low"] > 0).all() and seeing.loc[
        patterns.NOTHING, "p"
    ] > 0.05


def test_a_selection_by_length_alone_is_an_effect_that_the_match_takes_away():
    samples, generator = _real_samples(), np.random.default_rng(2)
    tokens = (
        pd.concat(samples[0].values())
        .drop_duplicates("text")
        .astype({"text": int})
        .sort_values("text")
        .tokens
    )
    noise = 0.01 * generator.normal(size=(2, len(tokens)))
    found = _judged(samples, lambda texts, _: noise[:, texts] - tokens.to_numpy()[texts], 0)
    assert found.loc[patterns.RAW, "p"] < 0.01 and found.loc[patterns.LENGTH, "p"] > 0.05
    assert (
        0.5 < found.loc[patterns.LENGTH, "comparable"] < found.loc[patterns.RAW, "comparable"] < 1
    )


def test_the_projection_spreads_as_resampled_problems_do():
    """The interval against a bootstrap that draws the problems of both domains and means over all
    pairs again.
    """
    generator = np.random.default_rng(2)
    chosen, rows, vectors = _study(generator, gain=0.5, trainings=1)
    found = patterns.compare(chosen, rows, vectors).set_index("comparison").loc[patterns.RAW]
    sets = {}
    for domain, table in chosen.items():
        responses = _responses(table, vectors, rows)
        sets[domain] = [
            np.array([texts.mean(axis=0) for texts in responses[kind]]) for kind in responses
        ]
    drawn = []
    for _ in range(2000):
        m, c = (generator.integers(40, size=40) for _ in range(2))
        (a, b), (x, y) = (
            [v[i].mean(axis=0) for v in sets[d]] for d, i in (("math", m), ("code", c))
        )
        drawn.append(a @ x - b @ y)
    assert found["high"] - found["low"] == pytest.approx(
        np.subtract(*np.quantile(drawn, [0.975, 0.025])), rel=0.1
    )


@pytest.mark.parametrize(
    ("gain", "tilt", "verdicts"),
    [
        (0.5, 0.0, ["supported", "supported"]),
        (-0.5, 0.0, ["not supported", "inconclusive"]),
        (
            0.0,
            0.5,
            ["inconclusive", "inconclusive"],
        ),  # length alone makes them alike: the claim wants both
    ],
)
def test_a_planted_effect_is_found_and_one_of_length_alone_is_not_taken_for_it(
    gain, tilt, verdicts
):
    table = patterns.compare(*_study(np.random.default_rng(3), 100, gain, tilt=tilt))
    found = pattern_similarity.judge(Results({"reported": [str(TABLE2)]}, patterns=table), RULES)
    assert [c.verdict for c in found] == verdicts
    assert found[0].reported == "+4.2" and found[0].n == 200 and found[0].seeds == 2
    by_name = table.set_index("comparison")
    assert by_name.loc[patterns.RAW, "p"] < 0.01 and by_name.loc[patterns.NOTHING, "p"] > 0.05
    assert by_name.loc[patterns.NOTHING, "low"] < 0 < by_name.loc[patterns.NOTHING, "high"]


def _scores(trainings=(1, 2)):
    """Five problems with a wrong and then a right sample whose margins (min) are .1 to .5, and one
    with none right.
    """
    rows = []
    for n, margin in enumerate([0.3, 0.1, 0.5, 0.2, 0.4, None]):
        for draw, (correct, last) in enumerate(
            [(False, 0.4), (margin is not None, 0.4 + (margin or 0)), (True, 1.0)]
        ):
            for step, score in enumerate([0.95, last][: 1 + (margin is not None)]):
                rows += [
                    {
                        "dataset": "sums", "problem_id": f"sums/test/{n}", "solution_id": draw,
                        "step": step,
                        "text": f"step {step} of {draw}", "truth": float(correct or step == 0),
                        "correct": correct and margin is not None,
                        "reward_model": f"prm_{role}", "role": role,
                        "replicate": seed, "score": score,
                    }
                    for role in ("math", "code")
                    for seed in trainings
                ]  # fmt: skip
    return pd.DataFrame(rows)


def test_fig6_shows_the_problem_with_the_median_margin_of_its_first_right_and_wrong_sample():
    scores = _scores()
    shown = fig6.choose_responses(scores.sample(frac=1, random_state=0), "min")
    assert shown["problem_id"].unique().tolist() == ["sums/test/0"] and sorted(
        shown["solution_id"]
    ) == [0, 1]
    four = scores[scores["problem_id"] != "sums/test/0"]
    assert set(fig6.choose_responses(four, "min")["problem_id"]) == {
        "sums/test/3"
    }  # .2, the lower of .2 and .4
    _, data = fig6.draw(Results(scores=scores), RULES)
    wrong = data[(data["role"] == "math") & ~data["correct"]].sort_values("step")
    assert wrong["score"].tolist() == [0.95, 0.4] and wrong["truth"].tolist() == [1.0, 0.0]


def test_fig6_writes_steps_that_are_no_formulas(tmp_path):
    scores = _scores().assign(text="Then $\\boxed{x_\nis $4.\n")
    figure, _ = fig6.draw(Results(scores=scores), RULES)
    figure.savefig(tmp_path / "fig6.png")
    assert figure.axes[0].get_yticklabels()[0].get_text() == "Then $\\boxed{x_ is $4."


def test_picks_are_the_best_scored_of_the_distinct_texts():
    solutions = pd.DataFrame(
        {
            "problem_id": "p", "solution_id": range(5), "text": ["a", "b", "b", "c", "d"],
            "tokens": [3, 9, 9, 8, 9],
        }
    )  # fmt: skip
    scores = pd.DataFrame(
        [
            ("p", seed, n, 0, s)
            for seed in (1, 2)
            for n, s in enumerate([0.1, 0.9, 0.9, 0.5 * seed])
        ],
        columns=["problem_id", "replicate", "solution_id", "step", "score"],
    )
    found = patterns.picks(solutions, scores, "last", 10, 0)
    assert sorted(set(found["solution_id"])) == [
        0,
        1,
        3,
    ]  # the second draw of b is none, and d was not scored
    assert found[found["selected"]].set_index("replicate")["solution_id"].to_dict() == {1: 1, 2: 3}
    assert found.groupby("replicate")["drawn"].sum().tolist() == [1, 1]
    ties = [
        patterns.picks(solutions, scores.assign(score=0.5), "last", 10, seed) for seed in range(60)
    ]
    picked = pd.concat([table[table["selected"]] for table in ties])["solution_id"].value_counts(
        normalize=True
    )
    assert picked.between(0.15, 0.55).all() and len(picked) == 3


def test_table2_puts_the_papers_numbers_below_ours():
    table = patterns.compare(*_study(np.random.default_rng(4), 10)).assign(
        policy="m", reference="m"
    )
    _, data = table2.draw(Results({"reported": [str(TABLE2)]}, patterns=table), RULES)
    assert data["source"].value_counts().to_dict() == {"this study": 7, "paper": 4}
    paper = data[data["source"] == "paper"].set_index(["first", "second"])["mean"]
    assert paper["MathPRM", "CodePRM"] == pytest.approx(0.3095)


def test_without_roles_it_is_said_what_is_missing():
    with pytest.raises(UserError, match=r"fig6: .*roles math and code"):
        fig6.draw(Results(scores=_scores()[:0]), RULES)
    with pytest.raises(UserError, match=r"table2: .*roles math and code"):
        table2.draw(Results(), RULES)
    (one,) = pattern_similarity.judge(Results(), RULES)
    assert one.verdict == "not yet measured"
