"""Figures draw what their CSV says, save the same bytes twice, and say what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import simulated
import simulated_steps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from prmscale.analysis.estimates import curve
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import (
    controls,
    fig1,
    fig2,
    fig3,
    fig7,
    fig10,
    fig11,
    panels,
    style,
    table1,
    temperature,
    transfer,
)
from prmscale.results import Results

REPORTED = Path(__file__).parents[2] / "workflow/prmscale/figures/reported"
MODELS = [
    *simulated.prms(),
    *simulated.pretraining(lambda tokens: tokens / 1.2e6),
    *simulated.other_heads(),
    *simulated.diverse(lambda wordings: wordings / 6),
]
FACTS = simulated.reward_models(MODELS, seeds=3)
SEARCH = simulated.search(MODELS, problems=25, policies=("s64", "s96"), seeds=3, seed_spread=0.2)
LOSSES = simulated.training(MODELS, 3)
RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")
PROBLEMS = simulated.problems(25)
ERRORS = simulated.first_errors(MODELS, problems=25, seeds=3)
STEPS = simulated_steps.reliability(
    [name for name in FACTS["reward_model"].unique()], problems=25, seeds=3, over=1.0
)
EVERY = [fig1, fig2, fig3, fig7, fig10, fig11, table1, controls, transfer]


def _draw(
    module: ModuleType, search: pd.DataFrame = SEARCH, facts: pd.DataFrame = FACTS
) -> tuple[Figure, pd.DataFrame]:
    results = Results(
        {"reported": [str(path) for path in REPORTED.glob("*.csv")]},
        search=search,
        reward_models=facts,
        training=LOSSES,
        first_errors=ERRORS,
        reliability=STEPS,
        problems=PROBLEMS,
    )
    drawing: tuple[Figure, pd.DataFrame] = module.draw(results, RULES)
    return drawing


@pytest.mark.parametrize("module", EVERY, ids=lambda m: m.__name__)
def test_save_writes_four_files_with_the_same_bytes_twice(
    module: ModuleType, tmp_path: Path
) -> None:
    contents = []
    for run in ("one", "two"):
        paths = style.save(*_draw(module), tmp_path / run / "fig.x")
        assert [p.name for p in paths] == [f"fig.x.{kind}" for kind in ("pdf", "svg", "png", "csv")]
        assert sorted(paths) == sorted((tmp_path / run).iterdir())
        contents.append([p.read_bytes() for p in paths])
    assert contents[0] == contents[1]
    assert b"CreationDate" not in contents[0][0]
    width, _ = Image.open(tmp_path / "one" / "fig.x.png").size
    assert width == round(style.full_width() * 200)


def test_controls_have_a_dot_for_each_row_of_the_csv_in_one_order() -> None:
    figure, data = _draw(controls)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    for axis in figure.axes:
        own = data[data["dataset"] == axis.get_title().split(" ")[0]]
        dots = {
            (round(x, 9), y)
            for line in axis.lines
            if line.get_marker() != "None"
            for x, y in _points(line)
        }
        assert dots == {
            (round(m, 9), float(names.index(s)))
            for m, s in zip(own["mean"], own["selection"], strict=True)
        }
        assert list(own["selection"]) == names
    assert names[0] == "one sample" and names[-1] == "oracle (pass@n)"
    assert names[12:18] == [
        "smallest PRM "
        "(s32)", "largest PRM (s96)", "PRM, evidence head (s96)", "PRM, implicit head (s96)",
        "PRM, scalar head with ranking loss (s96)", "PRM, true labels (s96)",
    ]  # fmt: skip
    assert set(data["budget"]) == {1, 64} and set(data.groupby("group")["seeds"].max()) == {1, 3}
    assert data.groupby("group", sort=False)["n"].count().tolist() == [24, 12, 2]


def _points(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in line.get_xydata()]  # type: ignore[union-attr]


def test_controls_that_were_not_measured_have_no_row() -> None:
    _, data = _draw(
        controls,
        SEARCH[SEARCH.strategy.isin(["one_sample", "oracle", "best_of_n"])],
        FACTS.iloc[:0],
    )
    assert set(data["selection"]) == {"one sample", "oracle (pass@n)"}


def test_fig7_has_a_line_for_each_size_along_pretraining() -> None:
    _, data = _draw(fig7)
    lines = data[(data.strategy == "best_of_n") & (data.dataset == "programs")]
    tokens = lines.groupby("base_parameters")["base_tokens"].apply(list).to_dict()
    budgets = [500_002, 1_000_002, 2_000_002]
    assert tokens == {77_000: budgets[2:], 173_000: budgets[2:], 301_000: budgets, 671_000: budgets}
    assert set(lines["seeds"]) == {3} and set(lines["budget"]) == {64}
    assert data.loc[data.strategy == "majority", "base_tokens"].isna().all()


@pytest.mark.parametrize("module", [fig1, fig2, fig3, fig7], ids=lambda m: m.__name__)
def test_lines_are_the_rows_of_the_csv(module: ModuleType) -> None:
    figure, data = _draw(module)
    drawn = {
        round(float(y), 9) for axis in figure.axes for line in axis.lines for y in line.get_ydata()
    }
    assert drawn == {round(y, 9) for y in data["mean"]}
    titles = ["arithmetic (25 problems)", "programs (25 problems)"]
    more = {
        fig1: [f"{name}: gain per doubling (25 problems)" for name in ("arithmetic", "programs")],
        fig2: ["validation loss (100 problems)"],
    }
    assert {axis.get_title() for axis in figure.axes if axis.get_title()} == {
        *titles,
        *more.get(module, []),
    }
    assert set(data["policy"]) == {"s64"}
    known = data.dropna(subset=["low", "high"])  # a fitted curve has none
    assert (known["low"] <= known["mean"]).all() and (known["mean"] <= known["high"]).all()
    (legend,) = figure.legends
    assert "majority vote" in " ".join(text.get_text() for text in legend.get_texts())


def test_fig1_has_a_line_for_each_budget_and_a_point_for_each_size() -> None:
    _, data = _draw(fig1)
    lines = data[(data.strategy == "best_of_n") & (data.dataset == "programs")]
    assert sorted(set(lines.budget)) == [4, 16, 64]
    assert sorted(set(lines.base_parameters)) == sorted(simulated.SIZES.values())
    own = SEARCH[
        (SEARCH.policy == "s64")
        & (SEARCH.dataset == "programs")
        & (SEARCH.reward_model == "prm_s48")
    ]
    wanted = own[own.budget == 16].correct.mean()
    top = lines[lines.budget == 64].set_index("base_parameters")["mean"]
    gain = data[(data.strategy == fig1.GAIN) & (data.dataset == "programs")].iloc[0]
    doublings = np.log2(173 / 77)
    assert gain["mean"] == pytest.approx((top[173_000] - top[77_000]) / doublings)
    assert lines[(lines.budget == 16) & (lines.base_parameters == 173_000)][
        "mean"
    ].item() == pytest.approx(wanted)


def test_fig2_follows_the_checkpoints() -> None:
    _, data = _draw(fig2)
    steps = data.loc[(data.strategy == "best_of_n") & (data.dataset == "programs"), "training_step"]
    assert steps.tolist() == [30, 60, 150, 300, 450, 600]


def test_fig3_has_a_line_for_each_training_set() -> None:
    figure, data = _draw(fig3)
    assert data.loc[data["varied"].isna(), "kind"].dropna().nunique() == 4
    below = data[data["varied"] == "wordings"]
    assert below.groupby("dataset")["amount"].apply(list).tolist() == [[2, 4, 7]] * 2 and set(
        below["budget"]
    ) == {64}
    assert {"majority", "likelihood", "oracle"} <= set(data.strategy)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "PRM trained on math and code, oracle labels" in labels


def test_fig10_says_why_it_is_empty_where_a_policy_is_never_right() -> None:
    always_wrong = Results(reward_models=FACTS, first_errors=ERRORS.assign(first_error=0))
    figure, data = fig10.draw(always_wrong, RULES)
    assert "no F1" in figure.texts[0].get_text()
    assert data.empty and "mean" in data


def test_fig10_has_every_reward_model_once_and_controls_last() -> None:
    implicit = FACTS["head"] == "implicit"
    facts = FACTS.assign(supervise=FACTS["supervise"].mask(implicit, "outcome"))
    figure, data = _draw(fig10, facts=facts)
    ours = data[data["group"] != "reported"]
    assert (
        set(ours["reward_model"]) == {m.name for m in MODELS}
        and not ours.duplicated(fig10.protocol.BY).any()
    )
    names = [text.get_text().strip() for text in figure.axes[0].get_yticklabels()]
    controls_begin = names.index("control")
    assert {"prm_untrained", "prm_shuffled"} == set(names[controls_begin + 1 : controls_begin + 3])
    dots = [
        x
        for axis in figure.axes
        for line in axis.lines
        if line.get_marker() != "None"
        for x, _ in _points(line)
    ]
    assert sorted(dots) == pytest.approx(sorted(data["mean"]))
    groups = ours.set_index("reward_model")["group"].to_dict()
    assert groups["prm_implicit_0"] == "outcomes alone" and groups["prm_untrained"] == "control"
    theirs = data[data["group"] == "reported"]
    assert set(theirs["dataset"]) == {"ProcessBench gsm8k"} and theirs["mean"].max() == 0.873


def test_table1_puts_the_papers_numbers_beside_ours() -> None:
    _, data = _draw(table1)
    ours, paper = (data[data.source == source] for source in (table1.HERE, table1.PAPER))
    assert ours.groupby("policy")["method"].apply(list).to_dict() == dict.fromkeys(
        ("s64", "s96"), table1.METHODS
    )
    assert len(paper) == 48 and paper["low"].isna().all()
    assert paper["mean"].iloc[0] == pytest.approx(0.811)
    same = SEARCH.replace({"dataset": {"programs": "MBPP+"}, "policy": {"s64": "QwQ-32B-Preview"}})
    _, data = _draw(table1, same)
    assert data["source"].tolist()[:8] == [table1.HERE] * 4 + [table1.PAPER] * 4
    assert set(data["dataset"][:8]) == {"MBPP+"} and set(data["policy"][:8]) == {"QwQ-32B-Preview"}


def test_fig11_draws_the_ladder_beside_the_truth() -> None:
    figure, data = _draw(fig11)
    ladder = ["prm_s32", "prm_s48", "prm_s64", "prm_s96"]
    assert list(data["reward_model"].unique()) == ladder
    drawn = {round(y, 9) for axis in figure.axes for line in axis.lines for _, y in _points(line)}
    assert drawn == {round(y, 9) for y in data["mean"]} | {0.0, 1.0}
    own = STEPS[(STEPS["reward_model"] == "prm_s48") & (STEPS["dataset"] == "programs")]
    first = own[own["step"] == 0].groupby("problem_id")[["score", "truth"]].mean()
    found = data[(data["reward_model"] == "prm_s48") & (data["dataset"] == "programs")]
    places = found[found["part"] == fig11.POSITION].set_index("x")["mean"]
    assert places[1] == pytest.approx((first["score"] - first["truth"]).mean())
    chosen = found[found["part"] == fig11.SCORE].set_index("x")["mean"]
    assert chosen.to_dict() == pytest.approx({n: 1 - 0.4 / n for n in simulated.BUDGETS})
    bins = found[found["part"] == fig11.RELIABILITY]
    assert len(bins) == 10 and (bins["x"] > bins["mean"]).mean() > 0.7  # over-confident


def _without(names: Callable[[str], bool]) -> pd.DataFrame:
    return FACTS[~FACTS.reward_model.map(names)]


@pytest.mark.parametrize(
    ("module", "search", "facts", "said"),
    [
        (
            fig1,
            SEARCH,
            _without(lambda name: name.startswith(("prm_s32", "prm_s48", "prm_s64"))),
            "fig1: .* two sizes",
        ),
        (
            fig1,
            SEARCH[SEARCH.reward_model == ""],
            FACTS,
            "no best_of_n rows of the reward models prm_s32",
        ),
        (fig2, SEARCH[SEARCH.training_step.isin([-1, 600])], FACTS, "fig2: .* two training steps"),
        (fig3, SEARCH, FACTS[FACTS.untrained], "fig3: no trained reward model"),
        (fig7, SEARCH, _without(lambda name: name.endswith("k")), "fig7: .* two checkpoints"),
        (controls, SEARCH.iloc[:0], FACTS, "controls: no row"),
        (
            table1,
            SEARCH,
            _without(lambda name: name == "prm_code"),
            "table1: .* one trained on code",
        ),
        (table1, SEARCH[SEARCH.budget != 8], FACTS, r"N = 8 .* budgets 1, 2, 4, 16, 32, 64"),
        (
            transfer,
            SEARCH,
            _without(lambda name: name == "prm_math"),
            "transfer: .* one trained on code",
        ),
        (transfer, SEARCH.iloc[:0], FACTS, "transfer: no row"),
        (fig3, SEARCH, FACTS.drop(columns="labels"), "without the column 'labels'"),
    ],
)
def test_missing_data_is_named(
    module: ModuleType, search: pd.DataFrame, facts: pd.DataFrame, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        _draw(module, search, facts)


def test_transfer_has_a_line_for_each_training_domain_and_a_point_for_each_share() -> None:
    figure, data = _draw(transfer)
    by = ["dataset", "trained_on", "share", "n"]
    assert data[by].values.tolist() == [
        [dataset, domain, share, n]
        for dataset in ("arithmetic", "programs")
        for share, n in ((0.0, 6), (0.5, 6), (1.0, 7))
        for domain in ("math", "code", "both")
    ]
    for axis, (_, rows) in zip(figure.axes, data.groupby("dataset"), strict=True):
        assert axis.get_title().endswith("(6–7 problems)")
        lines = {line.get_label(): list(line.get_ydata()) for line in axis.lines}
        for domain, points in rows.groupby("trained_on"):
            assert lines[f"PRM trained on {domain}"] == points["mean"].tolist()


def test_fig11_needs_steps_of_which_something_is_known() -> None:
    nothing = Results(search=SEARCH, reward_models=FACTS, reliability=STEPS.iloc[:0])
    with pytest.raises(UserError, match="fig11: no step whose truth"):
        fig11.draw(nothing, RULES)


def test_transfer_needs_generated_problems() -> None:
    with pytest.raises(UserError, match="transfer: needs generated data sets of both domains"):
        transfer.draw(Results(search=SEARCH, reward_models=FACTS), RULES)


def test_another_aggregation_is_not_taken_for_the_wanted_one() -> None:
    with pytest.raises(UserError, match=r"aggregation 'min' .*by last"):
        _draw(fig1, SEARCH.replace({"aggregation": {"min": "last"}}))


def test_nothing_is_left_of_a_figure_that_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure, data = _draw(fig1)

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("renderer fails")

    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(RuntimeError):
        style.save(figure, data, tmp_path / "fig1")
    assert list(tmp_path.iterdir()) == []


def test_every_number_of_parameters_reads_well() -> None:
    assert [panels.count(v) for v in (77_000, 301_234, 1.5e9, 72e9, 12)] == [
        "77k",
        "301k",
        "1.5B",
        "72B",
        "12",
    ]


def test_bands_are_the_intervals_of_the_claims() -> None:
    """A figure's interval is that of `curve` on the same rows."""
    _, data = _draw(fig3)
    rows = SEARCH[(SEARCH.policy == "s64") & (SEARCH.strategy == "majority")]
    wanted = curve(rows, ["dataset", "budget"])
    drawn = data[data.strategy == "majority"].sort_values(["dataset", "budget"], ignore_index=True)
    pd.testing.assert_frame_equal(drawn[["mean", "low", "high"]], wanted[["mean", "low", "high"]])


def test_accuracy_is_drawn_over_the_temperatures_of_one_policy(tmp_path: Path) -> None:
    first = SEARCH[SEARCH.policy == "s64"]
    hot = SEARCH[(SEARCH.policy == "s96") & (SEARCH.dataset == "arithmetic")]
    hot = hot.assign(policy="s64@t=1.2")
    shown = pd.DataFrame({"policy": ["s64", "s64@t=1.2"], "temperature": [0.8, 1.2]})
    other = SEARCH[SEARCH.policy == "s96"]
    results = Results(
        search=pd.concat([first, hot, other]), reward_models=FACTS, temperatures=shown
    )
    figure, data = temperature.draw(results, RULES)
    assert set(data.dataset) == {"arithmetic"} and set(data.temperature) == {0.8, 1.2}
    assert set(data.strategy) == {"one_sample", "majority", "best_of_n", "oracle"}
    (axis,) = figure.axes
    for name, rows in (("s64", first), ("s64@t=1.2", hot)):
        rows = rows[rows.dataset == "arithmetic"]
        votes = rows[(rows.strategy == "majority") & (rows.budget == rows.budget.max())]
        (row,) = data[(data.policy == name) & (data.strategy == "majority")].to_dict("records")
        assert row["mean"] == pytest.approx(votes.correct.mean())
    drawn = sorted(tuple(point) for line in axis.lines for point in line.get_xydata())
    np.testing.assert_allclose(drawn, sorted(map(tuple, data[["temperature", "mean"]].to_numpy())))
    one, two = (style.save(*temperature.draw(results, RULES), tmp_path / run) for run in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    alone = Results(search=first, reward_models=FACTS, temperatures=shown)
    with pytest.raises(UserError, match=r"^temperature: .*search\.evaluations\[\]\.temperature"):
        temperature.draw(alone, RULES)


@pytest.mark.parametrize("path", sorted(REPORTED.glob("*.csv")), ids=lambda p: p.name)
def test_every_reported_number_has_a_source(path: Path) -> None:
    table = pd.read_csv(path)
    assert table["source"].notna().all() and len(table)
