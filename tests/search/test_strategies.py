"""Search strategies compared: what is taken, crossovers and winners on simulated studies, figures
and the claim.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import simulated
import simulated_strategies as simulation
from matplotlib.figure import Figure

from prmscale.analysis import crossover, strategies
from prmscale.analysis.verdicts import Rules
from prmscale.claims.findings import Findings, judge_claims, run_checks
from prmscale.errors import UserError
from prmscale.figures import controls, fig1, fig2, fig3, fig4, fig5, fig7, fig8, style, table1
from prmscale.results import Results, add_seconds

MODELS = [*simulated.prms(), *simulated.pretraining(lambda tokens: tokens / 1.2e6)]
FACTS = simulated.reward_models(MODELS, seeds=2)
SAMPLED = simulated.search(MODELS, problems=25, seeds=2)
ROWS = simulation.rows(problems=60)
# the study's samples, and beside them the rows of strategies that it did not have
SEARCH = pd.concat(
    [SAMPLED, ROWS[~ROWS.strategy.isin(["best_of_n", "majority"])]], ignore_index=True
)
LOSSES = simulated.training(MODELS, seeds=2)
SPEEDS = pd.DataFrame(
    [("s64", "arithmetic", "", 0.1), ("s64", "programs", "", 0.2), ("", "", "prm_s96", 0.01)],
    columns=["policy", "dataset", "reward_model", "seconds_per_token"],
)
RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")
OLDER = [fig1, fig2, fig3, fig7, controls, table1]


def _draw(module: ModuleType, search: pd.DataFrame = SEARCH) -> tuple[Figure, pd.DataFrame]:
    results = Results(search=search, reward_models=FACTS, training=LOSSES, speeds=SPEEDS)
    drawing: tuple[Figure, pd.DataFrame] = module.draw(results, RULES)
    return drawing


@pytest.mark.parametrize(
    ("lead", "wanted"),
    [
        ([-2, -1, 0, 1], 4.0), ([-1, 1, 2, 3], 2**0.5), ([-1, 1, -1, 3], 2**2.25),
        ([1, 1, 1, 1], 0.0), ([1, 1, 1, -1], np.inf), ([0, 0, 0, 0], np.inf),
        ([0, 0, 1, 2], 2.0), ([1, np.nan, 1, 1], np.nan),
    ],
)  # fmt: skip
def test_a_strategy_overtakes_where_its_lead_stays_above_zero(
    lead: list[float], wanted: float
) -> None:
    assert crossover.find_overtaking([1, 2, 4, 8], lead) == pytest.approx(wanted, nan_ok=True)


def test_crossover_intervals_hold_the_truth_and_tell_when_there_is_none() -> None:
    held, never, studies = 0, 0, 40
    for seed in range(studies):
        rows = simulation.rows(
            120, seed=seed, crossing={"mcts": 11.0}, datasets={"arithmetic": "math"}
        )
        rows = rows[rows.strategy.isin(["best_of_n", "mcts", "majority"])]
        found = crossover.crossovers(rows).set_index("strategy")
        assert found.loc["mcts", "first"] == 2 and 64 * 0.96 <= found.loc["mcts", "last"] <= 64
        assert (found["low"] <= found["budget"]).all() and (found["budget"] <= found["high"]).all()
        held += found.loc["mcts", "low"] <= 11.0 <= found.loc["mcts", "high"]
        never += (
            found.loc["majority", "outcome"] in ("not ahead at last", "undecided")
            and found.loc["majority", "high"] > 64
        )
    print(
        f"crossover's interval holds the truth in {held / studies:.2f}, no lead of majority in "
        f"{never / studies:.2f}"
    )
    assert held >= 0.9 * studies and never >= 0.95 * studies


def test_one_problem_decides_no_crossover() -> None:
    rows = simulation.rows(1, crossing={"mcts": 11.0}, datasets={"arithmetic": "math"})
    found = crossover.crossovers(rows)
    assert (
        len(found) and set(found["outcome"]) == {crossover.UNDECIDED} and found["low"].isna().all()
    )


def test_a_crossover_is_found_to_within_a_doubling_with_many_problems() -> None:
    rows = simulation.rows(4000, seeds=1, seed_spread=0, crossing={"mcts": 11.0, "beam": 0.1})
    found = crossover.crossovers(rows)
    mcts = found[found.strategy == "mcts"]
    assert (mcts["high"] < 4 * mcts["low"]).all() and (
        (mcts["low"] < 11) & (mcts["high"] > 11)
    ).all()
    assert set(found.loc[found.strategy == "beam", "outcome"]) == {"always ahead"}
    assert set(found.loc[found.strategy == "beam", "high"]) == {0.0}


def test_a_winner_is_named_only_where_it_leads_every_other_with_certainty() -> None:
    rows = simulation.rows(
        1500, seeds=1, seed_spread=0, crossing={"beam": 4.0, "dvts": 4.5, "puct": 64.0}
    )
    found = crossover.winners(rows)
    assert set(found["difficulty"]) == {"all", "3", "4", "5"} and set(found["budget"]) == {
        2,
        4,
        8,
        16,
        32,
        64,
    }
    every = found[found.difficulty == "all"].set_index(["dataset", "budget"])
    assert {"beam", "dvts"} <= set(" ".join(every.xs(64, level="budget")["compatible"]).split())
    assert all(row.leader in row.compatible.split() for row in found.itertuples())
    assert ((found["winner"] != "") == (found["compatible"] == found["leader"])).all()
    alone = crossover.winners(rows[rows.strategy != "dvts"])
    named = alone[(alone.difficulty == "all") & (alone.budget == 64)]
    assert named["winner"].tolist() == ["beam", "beam"] and (named["low"] > 0).all()
    assert named["spent"].between(64 * 0.96, 64).all()
    few = rows[rows.problem_id.str.split("-").str[1].astype(int) < 19]
    assert set(crossover.winners(few, level=0.01)["winner"]) == {""}
    parts = found[found.difficulty != "all"].groupby(["dataset", "budget"])["n"].sum()
    assert set(parts) == {1500}


def test_equal_strategies_have_no_winner_at_small_budgets() -> None:
    """Best-of-n is a mean over groups of samples, a tree search one run: the same accuracy, unequal
    noise.
    """
    generator, cells, named, held = np.random.default_rng(0), 0, 0, 0
    for _ in range(60):
        parts = []
        chance = generator.beta(1, 1, 200)
        for strategy, budget in product(strategies.NAMES, (1, 2, 4)):
            runs = 1 if strategy in strategies.TREE else 64 // budget
            parts.append(
                simulation.plain(strategy, budget, generator.binomial(runs, chance) / runs)
            )
        found = crossover.winners(pd.concat(parts))
        cells, named = cells + len(found), named + (found["winner"] != "").sum()
        held += found["compatible"].str.contains("mcts").sum()
    beaten = 1 - held / cells
    print(
        f"equal strategies: a winner named in {named / cells:.3f} of {cells} cells, MCTS beaten in "
        f"{beaten:.3f}"
    )
    assert cells == 120 and named <= 0.05 * cells and held >= 0.95 * cells


def test_equal_numbers_are_all_compatible_with_the_best() -> None:
    rows = ROWS[ROWS.strategy == "best_of_n"]
    found = crossover.winners(
        pd.concat([rows, *(rows.assign(strategy=s) for s in ("majority", "mcts"))])
    )
    assert set(found["compatible"]) == {"majority best_of_n mcts"} and set(found["winner"]) == {""}


def test_many_difficulties_are_grouped_in_order() -> None:
    labels = crossover.difficulty_labels(pd.Series(np.repeat(np.arange(1, 11), 10)))
    assert list(labels.values()) == [
        f"{low}–{low + 1}" for low in (1, 3, 5, 7, 9) for _ in range(2)
    ]
    assert crossover.difficulty_labels(pd.Series([3, 5, 5])) == {3: "3", 5: "5"}


def test_strategies_are_guided_by_one_reward_model() -> None:
    """Most tree strategies count first, then size; a control never guides."""
    more = [SEARCH]
    for name, kept in (
        ("prm_s32", strategies.TREE),
        ("prm_s64", strategies.TREE),
        ("prm_untrained", strategies.TREE),
    ):
        more.append(ROWS[ROWS.strategy.isin(kept)].assign(reward_model=name))
    assert strategies.find_guide(pd.concat(more), FACTS) == "prm_s96"
    fewer = SEARCH[SEARCH.strategy != "puct"]
    assert strategies.find_guide(pd.concat([fewer, *more[1:]]), FACTS) == "prm_s64"
    assert strategies.find_guide(pd.concat([SAMPLED, more[-1]]), FACTS) == ""
    rows = strategies.select_compared(pd.concat([fewer, *more[1:]]), FACTS, "min")
    assert set(rows["reward_model"]) == {"", "prm_s64"}
    assert set(rows["strategy"]) == {"one_sample", "majority", "best_of_n", *strategies.TREE}


def test_each_strategy_has_one_aggregation() -> None:
    """The analysis' own where it was measured, else the first in the order of all."""
    doubled = pd.concat(
        [
            SEARCH,
            *(SEARCH.replace({"aggregation": {"min": a, "sum": a}}) for a in ("mean", "product")),
        ]
    )
    for wanted, taken in (
        ("mean", {"mcts": "mean", "beam": "mean"}),
        ("last", {"mcts": "min", "beam": "product"}),
    ):
        used = (
            strategies.select_compared(doubled, FACTS, wanted)
            .groupby("strategy")["aggregation"]
            .unique()
            .map(list)
        )
        assert {name: used[name] for name in taken} == {
            name: [value] for name, value in taken.items()
        }


def test_no_budget_is_left_out_and_the_share_without_an_answer_is_told() -> None:
    rows = strategies.select_compared(SEARCH, FACTS, "min")
    first = rows.groupby("strategy")["budget"].min()
    assert set(first) == {1} and set(strategies.NAMES) <= set(first.index)
    told = _draw(fig4)[1].set_index(["dataset", "strategy", "budget"])["unanswered"]
    wanted = (
        ROWS["finish_reason"]
        .eq("budget")
        .groupby([ROWS.dataset, ROWS.strategy, ROWS.budget])
        .mean()
    )
    for name in strategies.TREE:
        assert told.xs(name, level="strategy").to_dict() == pytest.approx(
            wanted.xs(name, level="strategy").to_dict()
        )
    assert told["arithmetic", "mcts", 1] > 0.2


@pytest.mark.parametrize("module", OLDER, ids=lambda m: m.__name__)
def test_other_figures_draw_the_same_beside_the_new_strategies(
    module: ModuleType, tmp_path: Path
) -> None:
    one, two = (
        style.save(*_draw(module, search), tmp_path / name)
        for name, search in (("a", SAMPLED), ("b", SEARCH))
    )
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_other_claims_and_checks_are_the_same_beside_the_new_strategies() -> None:
    tables = []
    for search in (SAMPLED, SEARCH):
        results = Results(search=search, reward_models=FACTS, training=LOSSES)
        findings = Findings(judge_claims(results, RULES), run_checks(results, RULES))
        tables.append(findings.tables())
    pd.testing.assert_frame_equal(*(each["checks"] for each in tables))
    found = [each["claims"] for each in tables]
    others = [table[table.claim != "search_budget"].reset_index(drop=True) for table in found]
    pd.testing.assert_frame_equal(*others)
    assert [len(table) - len(other) for table, other in zip(found, others, strict=True)] == [1, 12]


def test_time_is_tokens_at_the_speeds_of_policy_and_reward_model() -> None:
    rows = pd.DataFrame(
        {
            "policy": "s64",
            "dataset": ["arithmetic", "programs", "programs"],
            "reward_model": ["", "prm_s96", "likelihood"],
            "policy_tokens": [10, 20, 20],
            "reward_tokens": [0, 100, 0],
        }
    )
    assert add_seconds(rows, SPEEDS).seconds.tolist() == pytest.approx([1.0, 5.0, 4.0])


@pytest.mark.parametrize(
    ("module", "costs"), [(fig4, ["policy_tokens"]), (fig5, ["seconds", "flops_cached"])]
)
def test_lines_are_the_rows_of_the_csv(module: ModuleType, costs: list[str]) -> None:
    figure, data = _draw(module)
    assert len(figure.axes) == 2 * len(costs)
    for number, axis in enumerate(figure.axes):
        dataset, cost = ("arithmetic", "programs")[number % 2], costs[number // 2]
        own = data[(data.dataset == dataset) & (data.strategy != "one_sample")]
        lines = [line for line in axis.lines if len(line.get_xdata()) > 2]
        drawn = sorted(tuple(map(float, point)) for line in lines for point in line.get_xydata())  # type: ignore[union-attr]
        np.testing.assert_allclose(drawn, sorted(map(tuple, own[[cost, "mean"]].to_numpy())))
        assert len(lines) == len(strategies.NAMES) and axis.get_xscale() == "log"
    (legend,) = figure.legends
    guided, *unspent = legend.get_title().get_text().splitlines()
    assert guided == "search guided by the PRM of 671k parameters (s96)"
    left = r"adaptive best-of-n \(≥ 60% spent\), look-ahead search \(≥ 7\d% spent\)"
    assert re.fullmatch(
        f"leave more than 5% of a budget unspent: {left}", " ".join(unspent).replace("\u00a0", " ")
    )
    assert {text.get_text() for text in legend.get_texts()} >= {
        "one sample",
        "MCTS",
        "beam search (sum)",
    }
    chosen = (ROWS.strategy == "mcts") & (ROWS.dataset == "programs") & (ROWS.budget == 16)
    mcts = add_seconds(ROWS[chosen], SPEEDS)
    (row,) = data[
        (data.strategy == "mcts") & (data.dataset == "programs") & (data.budget == 16)
    ].to_dict("records")
    for column, mean in (*((cost, cost) for cost in costs), ("correct", "mean")):
        assert row[mean] == pytest.approx(mcts[column].mean())
    assert row["reward_model"] == "prm_s96" and row["seeds"] == 2 and row["n"] == 60
    assert (
        row["spent"]
        == pytest.approx(mcts["policy_tokens"].mean() / simulated.SAMPLE)
        == 16 * row["share"]
    )


def test_a_strategy_looks_alike_in_every_figure_and_unlike_the_others() -> None:
    looks = [look for _, look in style.STRATEGIES.values()]
    assert list(style.STRATEGIES) == list(strategies.NAMES)
    for part in ("colour", "marker"):
        assert len({getattr(look, part) for look in looks}) == len(looks)


def test_fig8_shows_winners_and_crossovers_as_its_csv_says() -> None:
    figure, data = _draw(fig8, ROWS)
    shorts = {name: short for name, (short, _) in style.STRATEGIES.items()}
    for number, dataset in enumerate(("arithmetic", "programs")):
        own = data[data.dataset == dataset]
        cells, lines = own[own.part == "winner"], own[own.part == "crossover"]
        above, below = figure.axes[number], figure.axes[2 + number]
        rows = [label.get_text().split(" ")[0] for label in above.get_yticklabels()]
        assert rows == ["3", "4", "5", "all"]
        places = {
            (d, b): (round(np.log2(b)) - 1, rows.index(d))
            for d, b in cells[["difficulty", "budget"]].to_numpy()
        }
        written = {(*text.get_position(), text.get_text()) for text in above.texts}
        named = cells[cells["winner"] != ""]
        assert written == {
            (*places[row.difficulty, row.budget], shorts[row.winner]) for row in named.itertuples()
        }
        marks = Counter(
            (round(x), round(y)) for x, y in (line.get_xydata()[0] for line in above.lines[:-1])
        )
        others = cells[cells["winner"] == ""]
        assert marks == {
            places[row.difficulty, row.budget]: len(row.compatible.split())
            for row in others.itertuples()
        }
        said = sorted(text.get_text() for text in below.texts)
        assert said == sorted(lines.loc[lines["outcome"] != "overtakes", "outcome"])
        assert sorted(lines["strategy"]) == sorted(set(strategies.NAMES) - {"best_of_n"})
        labels = [label.get_text().split(" (")[0] for label in figure.axes[2].get_yticklabels()]
        over = lines[lines["outcome"] == "overtakes"]
        wanted = zip(
            np.log2(over["budget"].astype(float)) - 1,
            over["strategy"].map(strategies.NAMES),
            strict=True,
        )
        single = [line for line in below.lines if len(line.get_xdata()) == 1 and line.get_clip_on()]
        marked = [line.get_xydata()[0] for line in single if line.get_marker() not in ("<", ">")]
        assert {(round(x, 6), labels[round(-y)]) for x, y in marked} == {
            (round(x, 6), name) for x, name in wanted
        }


@pytest.mark.parametrize("module", [fig4, fig5, fig8], ids=lambda m: m.__name__)
def test_figures_of_strategies_are_saved_alike_twice_and_at_full_width(
    module: ModuleType, tmp_path: Path
) -> None:
    one, two = (style.save(*_draw(module), tmp_path / run) for run in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert _draw(module)[0].get_figwidth() == style.full_width()


@pytest.mark.parametrize("module", [fig4, fig5, fig8], ids=lambda m: m.__name__)
def test_without_a_tree_search_the_way_out_is_named(module: ModuleType) -> None:
    with pytest.raises(
        UserError,
        match=rf"{module.__name__[-4:]}: .*search\.tree\.reward_models.* analysis\.figures",
    ):
        _draw(module, SAMPLED)


def test_fig8_wants_best_of_n_to_compare_with() -> None:
    with pytest.raises(
        UserError, match=r"fig8: needs best-of-n .* has beam, dvts, .*search\.strategies"
    ):
        _draw(fig8, ROWS[ROWS.strategy.isin([*strategies.TREE, "weighted_best_of_n"])])
