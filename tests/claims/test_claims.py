"""Verdicts on simulated studies whose truth is known."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import simulated

from prmscale import results as collect
from prmscale.analysis import (
    controls,
    diversity,
    growth,
    models,
    reply_shares,
    strategies,
    transfer,
    verdicts,
)
from prmscale.analysis import paired as compare
from prmscale.analysis.estimates import mean_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.models import (
    choose_aggregation,
    find_headline,
    find_heads,
    find_ladder,
    find_pretrainings,
    find_training_sets,
    find_twins,
    resolve_aggregation,
)
from prmscale.analysis.rows import keep_final, subtract
from prmscale.analysis.verdicts import Check, Claim, Rules
from prmscale.claims import checks, claims, page
from prmscale.errors import UserError
from prmscale.study import Headlines

RULES = Rules(equivalence_margin=0.1, aggregation="min", table1_budget=8)
NO_LOSSES, NO_TRANSFER = collect.training([]), pd.DataFrame(columns=transfer.COLUMNS)
NO_REPLIES = reply_shares.shares({})
ALL_SPENT = pd.DataFrame(columns=["dataset", "strategy", "budget", "share"])
REPORTED = Path(__file__).parents[2] / "workflow" / "reported" / "table1.csv"


def _judge(models: list[simulated.Prm], problems: int = 1500, **changes: object) -> list[Claim]:
    search = simulated.search(models, problems)
    rules = Rules(**{**vars(RULES), **changes})  # type: ignore[arg-type]
    return claims.judge(search, simulated.reward_models(models), rules, pd.read_csv(REPORTED))


def _verdicts(found: list[Claim], claim: str, words: str = "") -> set[str]:
    return {c.verdict for c in found if c.claim == claim and words in c.metric}


@pytest.fixture(scope="module")
def effect() -> list[Claim]:
    """Sizes that flatten, diversity that helps, and transfer with a loss well inside the margin."""
    return _judge(simulated.prms(own=0.55, other=0.5))


def test_known_effects_are_found(effect: list[Claim]) -> None:
    for name in ("diminishing_returns", "data_diversity", "math_to_code"):
        assert _verdicts(effect, name) == {"supported"}, name
    assert (
        len([c for c in effect if c.claim == "diminishing_returns"]) == 4
    )  # two metrics, two data sets
    assert {c.n for c in effect if c.verdict != "not yet measured"} == {1500}


def test_order_names_and_unmeasured_claims(effect: list[Claim]) -> None:
    assert list(dict.fromkeys(c.claim for c in effect)) == list(claims.CLAIMS)
    for name in ("flops_tradeoff", "search_budget", "pattern_similarity"):
        own = [c for c in effect if c.claim == name]
        assert own and all(
            c.verdict == "not yet measured" and np.isnan(c.effect) and c.n == 0 for c in own
        )


def test_the_papers_number_stands_beside_ours(effect: list[Claim]) -> None:
    reported = {c.metric.split(",")[0]: c.reported for c in effect if c.claim == "math_to_code"}
    assert reported["PRM-Math − PRM-Code (90 %)"] == "+0.9 (mean of 12 cells)"


@pytest.mark.parametrize("seed", range(3))
def test_without_an_effect_nothing_is_supported(seed: int) -> None:
    """PRMs that select at random: no growth, no diversity, and being equally useless is no
    transfer.
    """
    models = simulated.prms(of_size=lambda size: 0.0)
    found = claims.judge(
        simulated.search(models, 200, seed=seed), simulated.reward_models(models), RULES
    )
    assert "supported" not in {c.verdict for c in found}


def test_steady_growth_is_not_diminishing() -> None:
    steps = {"s32": 0.0, "s48": 0.1, "s64": 0.2, "s96": 2.0}
    found = _judge(simulated.prms(of_size=lambda size: steps[size]))
    assert _verdicts(found, "diminishing_returns", "largest") == {"supported"}
    assert _verdicts(found, "diminishing_returns", "doubling") == {"not supported"}


def test_a_real_loss_is_no_equivalence_and_few_problems_decide_nothing() -> None:
    models = simulated.prms(own=1.5, other=0.3)
    assert _verdicts(_judge(models, equivalence_margin=0.05), "math_to_code", "PRM-Code") == {
        "not supported"
    }
    assert _verdicts(_judge(simulated.prms(own=0.55), 12), "math_to_code", "PRM-Code") == {
        "inconclusive"
    }


@pytest.mark.parametrize(("other", "said"), [(0.55, "supported"), (0.2, "not supported")])
def test_transfer_has_every_training_domain_on_every_data_set_and_policy(
    other: float, said: str
) -> None:
    models = simulated.prms(both=1.5, own=0.6, other=other)
    search = simulated.search(models, 800, policies=("s64", "s96"))
    found = transfer.measure_matrix(search, simulated.reward_models(models), RULES).set_index(
        ["policy", "dataset", "trained_on"]
    )
    assert len(found) == 2 * 2 * 3 and set(found["n"]) == {800} and set(found["budget"]) == {64}
    own = {"programs": "code", "arithmetic": "math"}
    for (policy, dataset, trained_on), row in found.iterrows():
        home = found.loc[(policy, dataset, own[dataset])]
        if trained_on == own[dataset]:
            assert pd.isna(row["difference"]) and pd.isna(row["verdict"])
        else:
            assert row["difference"] == pytest.approx(row["accuracy"] - home["accuracy"])
            assert row["verdict"] == (said if trained_on != "both" else "not supported")


def test_incomplete_studies_are_not_yet_measured() -> None:
    models = [m for m in simulated.prms() if m.name in ("prm_s32", "prm_s96")]
    assert {c.verdict for c in _judge(models, 20)} == {"not yet measured"}
    assert {c.verdict for c in _judge([], 20)} == {"not yet measured"}


def _found(mean: float, error: float = 0.02, n: int = 200) -> Interval:
    """What values with this mean and standard error of it are told as."""
    values = np.random.default_rng(0).normal(size=n)
    values = (values - values.mean()) / values.std(ddof=1) * np.sqrt(n)
    return mean_interval(mean + error * values)


@pytest.mark.parametrize(
    ("mean", "threshold", "said"),
    [
        (0.05, 0.0, "supported"),
        (0.05, 0.02, "inconclusive"),
        (-0.05, 0.0, "not supported"),
        (0.0, 0.0, "inconclusive"),
    ],
)
def test_a_verdict_says_what_the_interval_says(mean: float, threshold: float, said: str) -> None:
    found = _found(mean)
    assert verdicts.above(found, threshold).verdict(0.95) == said
    sides = {"supported": found.low > threshold, "not supported": found.high < threshold}
    assert [side for side, holds in sides.items() if holds] == ([said] if said in sides else [])


@pytest.mark.parametrize(
    ("mean", "error", "n", "said"),
    [
        (0.01, 0.02, 100, "supported"), (0.1, 0.02, 100, "not "
        "supported"), (-0.1, 0.02, 100, "not supported"),
        (0.03, 0.02, 100, "inconclusive"), (0.01, 0.01, 59, "inconclusive"), (0.01, 0.01, 60, "supported"),
    ],
)  # fmt: skip
def test_equivalence(mean: float, error: float, n: int, said: str) -> None:
    found = _found(mean, error, n)
    assert verdicts.alike(found, 0.05).verdict(0.95) == said


def test_holm_is_the_published_rule() -> None:
    assert verdicts.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert verdicts.holm([]) == [] and verdicts.holm([0.7, 0.9]) == pytest.approx([1.0, 1.0])


def test_what_is_not_known_supports_nothing_and_hides_nothing() -> None:
    unknown, sure = verdicts.above(mean_interval([0.3])), verdicts.Evidence(0.001, 1.0)
    for parts in ((sure, unknown), (unknown, sure)):
        assert verdicts.together(*parts).verdict(0.95) == "inconclusive"
    assert verdicts.holm([float("nan"), 0.01, 0.02]) == pytest.approx([1.0, 0.03, 0.04])


def test_an_effect_without_an_interval_is_told_without() -> None:
    nothing = float("nan")
    claim = Claim(
        "data_diversity", "domains", "a − b", "x", 0.3, nothing, nothing, "inconclusive", "", 1, 1
    )
    check = Check("accuracy", "x", "one sample", 0.3, nothing, nothing, "", 1, 1)
    text = page.render([claim], [check], RULES, NO_TRANSFER, NO_REPLIES, ALL_SPENT)
    assert (
        "nan" not in text and "+30.0 (no interval)" in text and "30.0 (no interval) | 1 | 1" in text
    )


def _headlines(p_values: np.ndarray) -> list[Claim]:
    """Claims on as many data sets, with these p-values that they are supported."""
    claim = Claim("c", "x", "a − b", "", 0.1, 0.0, 0.2, "inconclusive", "", 9, 2, p_refuted=1.0)
    return [replace(claim, dataset=str(i), p_supported=float(p)) for i, p in enumerate(p_values)]


def test_headlines_err_at_the_stated_rate_whatever_the_number_of_data_sets() -> None:
    generator = np.random.default_rng(4)
    for datasets in (1, 2, 5):
        wrong = plain = 0
        for _ in range(2000):
            p_values = generator.random(datasets)
            plain += bool((p_values < 0.05).any())
            judged = verdicts.with_headlines(_headlines(p_values), {"c": "x"}, 0.95)
            wrong += any(c.verdict == "supported" for c in judged)
        print(
            f"{datasets} data sets: a false verdict in {wrong / 2000:.3f} of studies, uncorrected "
            f"{plain / 2000:.3f}"
        )
        assert wrong / 2000 <= 0.06


def test_only_the_named_contrast_is_a_headline(effect: list[Claim]) -> None:
    judged = verdicts.with_headlines(effect, {"diminishing_returns": "growth"}, 0.95)
    assert {(c.claim, c.contrast) for c in judged if c.headline} == {
        ("diminishing_returns", "growth")
    }
    others = [c for c in judged if not c.headline]
    assert others == [c for c in effect if c.contrast != "growth"]


def test_every_headline_of_the_configuration_is_a_contrast_of_its_claim() -> None:
    """A name that no claim has would be told as not yet measured in every study."""
    assert list(Headlines().model_dump()) == list(claims.CLAIMS)
    sources = [
        Path(str(module.__file__)).read_text() for module in (claims, strategies, diversity, models)
    ]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    said = {node.value for node in nodes if isinstance(node, ast.Constant)}
    options = {
        name for field in Headlines.model_fields.values() for name in get_args(field.annotation)
    }
    assert options <= said, options - said


def test_a_headline_that_was_not_measured_says_what_it_wants() -> None:
    models = simulated.prms()
    rules = replace(RULES, headlines={"data_diversity": "policies"})
    found = claims.judge(simulated.search(models, 60), simulated.reward_models(models), rules)
    (headline,) = [c for c in found if c.headline]
    assert headline.verdict == "not yet measured" and "does not have" in headline.needed
    assert f"wants {headline.needed}" in page.render(
        found, [], rules, NO_TRANSFER, NO_REPLIES, ALL_SPENT
    )


def test_an_inconclusive_claim_says_what_would_decide_it() -> None:
    models = simulated.prms(own=0.55, other=0.5)
    search = simulated.search(models, 60, seeds=3, seed_spread=0.1)
    found = claims.judge(search, simulated.reward_models(models, 3), RULES)
    for claim in found:
        assert bool(claim.needed) or claim.verdict != "inconclusive"
    assert "problems at 3 seeds" in " ".join(c.needed for c in found)
    text = page.render(found, [], RULES, NO_TRANSFER, NO_REPLIES, ALL_SPENT)
    assert all(c.needed in text for c in found)


def test_cut_solutions_are_told_and_warned_of() -> None:
    ways = {"a": ["boxed"] * 97 + ["cut"] * 3, "b": ["boxed"] * 94 + ["cut"] * 6, "c": ["none"]}
    table = reply_shares.shares(
        {(name, "set", "search"): pd.DataFrame({"found_by": x}) for name, x in ways.items()}
    )
    shown = {(r.policy, r.found_by): (r.solutions, r.share) for r in table.itertuples()}
    assert shown["a", "boxed"] == (97, 0.97) and shown["c", "cut"] == (0, 0.0) and len(table) == 6
    text = page.render([], [], RULES, NO_TRANSFER, table, ALL_SPENT)
    assert "3.0 % of a on set (search), 6.0 % of b on set (search), 0.0 % of c" in text
    assert "**Warning**: more than 5 % are cut of b on set: raise" in text
    assert "Warning" not in page.render(
        [], [], RULES, NO_TRANSFER, table[table.policy != "b"], ALL_SPENT
    )


def test_page_and_csv(effect: list[Claim], verified: list[Check]) -> None:
    search = simulated.search(simulated.prms(), 60, policies=("s64", "s96"))
    matrix = transfer.measure_matrix(search, simulated.reward_models(simulated.prms()), RULES)
    text = page.render(effect, verified, RULES, matrix, NO_REPLIES, ALL_SPENT)
    opening = text.split("\n\n")[1].splitlines()
    assert len(opening) == 2 + 6 and all(
        f"({letter}) " in line for letter, line in zip("abcdef", opening[2:], strict=True)
    )
    assert all(
        f"## ({letter}) {name}" in text
        for letter, name in zip("abcdef", claims.CLAIMS, strict=True)
    )
    assert "+0.000" not in text
    for words in (
        "Does the PRM verify?",
        "Does accuracy grow?",
        "Does accuracy leap along training?",
    ):
        assert f"## {words}" in text
    assert (
        "Test problems: 600 of arithmetic, 600 of programs. Training seeds of a reward model: 3."
        in text
    )
    assert "No fall is certain" in text and "Not yet measured." not in text
    table = claims.frame(effect)
    columns = (
        "claim contrast metric dataset effect low high verdict reported n seeds problem_error "
        "seed_error interaction_error p_supported p_refuted headline needed"
    )
    assert list(table.columns) == columns.split()
    assert set(table.verdict) <= {"supported", "not supported", "inconclusive", "not yet measured"}
    made = checks.frame(verified)
    columns = "section dataset comparison effect low high verdict n seeds"
    assert list(made.columns) == columns.split()
    assert set(made.section) == {
        "accuracy",
        "verifies",
        "falls",
        "growth",
        "diversity",
        "transfer",
        "emergence",
    }


def test_a_page_without_any_reward_model() -> None:
    made = checks.all_checks(
        simulated.search([], 20), simulated.reward_models([]), RULES, NO_LOSSES
    )
    assert {c.section for c in made} == {"accuracy"}
    assert "Not yet measured." in page.render(
        _judge([], 20), made, RULES, NO_TRANSFER, NO_REPLIES, ALL_SPENT
    )


STUDY = [
    *simulated.prms(own=0.55, other=0.5),
    *simulated.pretraining(lambda tokens: tokens / 1.2e6),
    *simulated.diverse(lambda wordings: wordings / 6),
]


@pytest.fixture(scope="module")
def verified() -> list[Check]:
    """Three seeds of PRMs that verify, and bases whose pre-training pays."""
    search = simulated.search(STUDY, 600, seeds=3, seed_spread=0.05)
    return checks.all_checks(
        search, simulated.reward_models(STUDY, 3), RULES, simulated.training(STUDY, 3)
    )


def _of(made: list[Check], section: str, words: str = "") -> list[Check]:
    return [c for c in made if c.section == section and words in c.comparison]


def test_a_prm_that_verifies_beats_every_control(verified: list[Check]) -> None:
    against = _of(verified, "verifies")
    assert len(against) == 2 * 8  # six controls and two targets, two data sets
    assert {c.verdict for c in against if "at least" not in c.comparison} == {"supported"}
    assert {c.verdict for c in _of(verified, "verifies", "at least 3 points")} == {"supported"}
    assert {c.seeds for c in against} == {3} and {c.n for c in against} == {600}
    (arithmetic,) = [
        c for c in _of(verified, "verifies", "best likelihood") if c.dataset == "arithmetic"
    ][:1]
    assert (
        "likelihood of s96" in arithmetic.comparison
    )  # the base's, better than the policy's by construction
    assert {c.verdict for c in _of(verified, "transfer")} == {"supported"}


def test_every_selection_has_an_accuracy(verified: list[Check]) -> None:
    names = [c.comparison for c in _of(verified, "accuracy") if c.dataset == "programs"]
    assert (
        names[:3] == [controls.ONE, controls.RANDOM, controls.MAJORITY]
        and names[-1] == controls.ORACLE
    )
    assert names[9:12] == [controls.CERTAINTY, controls.UNTRAINED, controls.SHUFFLED]
    assert names[12:15] == ["smallest PRM (s32)", "largest PRM (s96)", "PRM, true labels (s96)"]


def test_growth_is_found_step_by_step_and_flattening_beside_it(verified: list[Check]) -> None:
    steps = _of(verified, "growth", "→")
    assert len(steps) == 2 * (2 * 3 + 2 * 2)
    assert {c.verdict for c in _of(verified, "growth", "size, s32 → s48")} == {"supported"}
    assert {c.verdict for c in _of(verified, "growth", "pre-training, s96@25 → s96@50")} == {
        "supported"
    }
    assert {c.verdict for c in _of(verified, "growth", "flattening")} == {"supported"}
    doublings = np.log2(simulated.SIZES["s64"] / simulated.SIZES["s48"])
    each, whole = (
        next(c for c in steps if c.comparison == f"{words}, s48 → s64")
        for words in ("gain per doubling of size", "size")
    )
    assert each.effect == pytest.approx(whole.effect / doublings) and each.verdict == whole.verdict
    fits = _of(verified, "growth", "left-out")
    assert len(fits) == 2 * 2 and all(
        c.low > 0 and c.verdict == "" for c in fits if "saturating" in c.comparison
    )


def test_nothing_learnt_is_told_as_nothing() -> None:
    models = simulated.prms(of_size=lambda size: 0.0)
    search = simulated.search(models, 200, seeds=3)
    made = checks.all_checks(search, simulated.reward_models(models, 3), RULES, NO_LOSSES)
    judged = [c for c in made if c.verdict]
    assert sum(c.verdict == "supported" for c in judged) <= 0.1 * len(judged)
    assert {c.verdict for c in _of(made, "verifies", "at least 20 points")} == {"not supported"}


def test_verdicts_err_at_the_stated_rate_and_find_what_is_there() -> None:
    """Two PRMs of three seeds that differ by 2 points (standard deviation): no gain, and one of 20
    points.
    """
    generator = np.random.default_rng(3)
    said: dict[float, list[str]] = {0.0: [], 0.2: []}
    for study in range(200):
        for gain, verdicts_found in said.items():
            chance = generator.beta(2, 2, (200, 1))
            tables = [
                pd.DataFrame(
                    generator.random((200, 3))
                    < chance + shift + 0.02 * generator.normal(size=(1, 3))
                )
                for shift in (gain, 0.0)
            ]
            difference = subtract(*(table.astype(float) for table in tables))
            rules = Rules(**{**vars(RULES), "seed": study})
            (found,) = compare.check("growth", "arithmetic", "a → b", difference, rules)
            verdicts_found.append(found.verdict)
    assert (
        said[0.0].count("supported") <= 0.05 * 200
        and said[0.0].count("not supported") <= 0.05 * 200
    )
    assert said[0.2].count("supported") >= 0.8 * 200


def test_a_control_stands_against_every_seed() -> None:
    prm = pd.DataFrame({1: [1.0, 0.0], 2: [1.0, 1.0], 3: [0.0, 1.0]}, index=["a", "b"])
    one = pd.DataFrame({1: [0.5, 0.25]}, index=["b", "a"])
    wanted = pd.DataFrame({1: [0.75, -0.5], 2: [0.75, 0.5], 3: [-0.25, 0.5]}, index=["a", "b"])
    pd.testing.assert_frame_equal(subtract(prm, one), wanted)
    pd.testing.assert_frame_equal(subtract(one, prm).loc[["a", "b"]], -wanted)
    pd.testing.assert_frame_equal(subtract(prm, prm[[2, 3]]), 0 * wanted[[2, 3]])
    assert subtract(prm, pd.DataFrame()).empty


def test_a_fall_with_n_is_found() -> None:
    """Scores that prefer wrong solutions: the larger n, the worse."""
    models = simulated.prms(of_size=lambda size: -1.0)
    made = checks.falls(simulated.search(models, 400), simulated.reward_models(models), RULES)
    assert {c.verdict for c in made} == {"not supported"}
    assert "largest certain fall" in page.render(
        [], made, RULES, NO_TRANSFER, NO_REPLIES, ALL_SPENT
    )


def test_growth_in_steady_doublings_shows_no_curvature() -> None:
    logs = np.array([0.0, 1.2, 2.0, 3.1])
    weights = growth.curvature_weights(logs)
    assert weights @ (2 + 0.3 * logs) == pytest.approx(0, abs=1e-12)
    assert weights @ (1 + 0.3 * logs - 0.1 * logs**2) == pytest.approx(-0.2)


def test_seeds_make_claims_wider() -> None:
    """Luck that differs between training seeds is in the interval."""
    models, widths = simulated.prms(own=0.55), []
    for spread in (0.0, 0.8):
        search = simulated.search(models, 200, seeds=3, seed_spread=spread)
        found = claims.judge(search, simulated.reward_models(models, 3), RULES)
        one = next(
            c for c in found if (c.metric, c.dataset) == ("largest − smallest PRM", "arithmetic")
        )
        assert one.seeds == 3
        widths.append(one.high - one.low)
    assert widths[1] > 1.2 * widths[0]


def test_controls_and_other_heads_stay_out_of_ladders() -> None:
    facts = simulated.reward_models([*STUDY, *simulated.other_heads()], 3)
    assert find_ladder(facts)["reward_model"].unique().tolist() == [
        "prm_s32",
        "prm_s48",
        "prm_s64",
        "prm_s96",
    ]
    head = find_headline(facts)
    assert head["reward_model"].unique().tolist() == ["prm_s96"] and head["replicate"].tolist() == [
        1,
        2,
        3,
    ]
    kinds = find_heads(facts)[["head", "ranking_weight"]].drop_duplicates()
    assert kinds.to_numpy().tolist() == [
        ["evidence", 0],
        ["implicit", 0],
        ["scalar", 0],
        ["scalar", 1],
    ]
    assert "prm_shuffled" not in set(find_training_sets(facts)["reward_model"])
    assert find_twins(facts) == {"math": ["prm_math"], "code": ["prm_code"]}
    assert find_pretrainings(facts).groupby("base_parameters")[
        "base_tokens"
    ].nunique().tolist() == [1, 1, 3, 3]


def test_diversity_is_judged_at_equal_size_along_one_axis() -> None:
    """Wordings that help and problems that do not; sets of another size and the study's own sets
    stay out.
    """
    models = [
        *simulated.prms(own=0.55, other=0.5),
        *simulated.diverse(lambda wordings: wordings / 6),
        *simulated.diverse(lambda _: 7 / 6, "problems", (250, 750)),
        replace(simulated.diverse(lambda _: 9.0, levels=(1,))[0], name="smaller", solutions=300),
    ]
    found = _judge(models, 800)
    told = {f"{c.metric}, {c.dataset}": c.verdict for c in found if "sets of" in c.metric}
    assert told == {
        f"{most} − {least} {axis}, sets of 1500 solutions, {dataset}": verdict
        for most, least, axis, verdict in (
            (7, 2, "wordings", "supported"),
            (750, 250, "problems", "inconclusive"),
        )
        for dataset in ("arithmetic", "programs")
    }
    facts = simulated.reward_models(models)
    without = simulated.reward_models(simulated.prms(own=0.55, other=0.5))
    for choose in (find_ladder, find_training_sets, find_headline):
        assert choose(facts)["reward_model"].tolist() == choose(without)["reward_model"].tolist()


def test_the_slope_of_a_line_is_found() -> None:
    doublings = np.log2([2, 4, 7])
    assert diversity.slope_weights(doublings) @ (3 + 0.2 * doublings) == pytest.approx(0.2)


def test_the_aggregation_is_chosen_on_validation_problems() -> None:
    facts = simulated.reward_models(simulated.prms())
    assert choose_aggregation(facts) == "min"  # product is as good: the first of equals
    misled = facts.assign(
        validation_best_of_n_sum=np.where(facts["untrained"] | facts["shuffled"], 1000.0, 0.3)
    )
    assert (
        resolve_aggregation("validation", misled, ["last", "min"]) == "min"
    )  # controls have no say
    assert (
        resolve_aggregation("validation", facts, ["last", "product"]) == "product"
    )  # of what was measured
    assert resolve_aggregation("product", facts, ["last", "product"]) == "product"
    with pytest.raises(UserError, match=r"analysis\.aggregation"):
        choose_aggregation(
            facts.drop(columns=[c for c in facts if str(c).startswith("validation")])
        )


def test_a_base_and_a_reward_model_may_share_a_name() -> None:
    """The likelihood of `l` has training step -1 and is not an early checkpoint of a reward model
    `l`.
    """
    search = simulated.search(
        [simulated.Prm("s96", "s96", "both", "oracle", lambda d: 1.0, (0.5, 1.0))], 20
    )
    kept = keep_final(search)
    assert {"base_likelihood", "best_of_n"} <= set(kept.loc[kept.reward_model == "s96", "strategy"])
    assert set(kept.loc[kept.strategy == "best_of_n", "training_step"]) == {600}
