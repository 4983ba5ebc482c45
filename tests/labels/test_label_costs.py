"""Labels' quality against cost: fewer rollouts by enumeration, paired ratios, and figure 9."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from prmscale.analysis.label_costs import costs, reliability, tabulate_problems
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import fig9, style
from prmscale.labels.spending import charge_labels
from prmscale.results import Results


def labels(method="monte_carlo", problems=12, k=4, tokens=10, seed=0, dataset="toy"):
    """Random labels of two solutions of three steps a problem."""
    stream = np.random.default_rng(seed)
    rows = []
    for problem, solution in product(range(problems), range(2)):
        first = stream.integers(0, 4)
        for step in range(3):
            successes = (
                int(stream.integers(0, k + 1)) if step < first else int(stream.random() < 0.2)
            )
            rows.append(
                {
                    "problem_id": f"{dataset}/train/{problem:05d}", "solution_id": solution,
                    "step": step, "method": method, "policy": "m", "weights": "", "k": k,
                    "temperature": 0.8, "seed": 0, "rollouts": k, "successes": successes,
                    "value": successes / k, "label": int(successes > 0),
                    "tokens_spent": tokens * k, "truth": float(step < first),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def spent(table, unlabelled=0, wasted=0):
    """All that those labels took, and in every problem as much besides on so many solutions that
    have none.
    """
    found = charge_labels(table, table.drop_duplicates(["problem_id", "solution_id"]))
    return found.assign(solutions=found.solutions + unlabelled, tokens=found.tokens + wasted)


def measured(*tables):
    """By problem, of methods that label all that they are given."""
    return tabulate_problems(tables, [spent(table) for table in tables])


def test_fewer_rollouts_are_what_all_their_choices_give_on_average():
    table = labels(problems=1, seed=3).query("solution_id == 0")
    drawn = [[i < s for i in range(4)] for s in table.successes]
    hits, placed = [], []
    for chosen in product(combinations(range(4), 2), repeat=3):
        right = [any(d[i] for i in c) for d, c in zip(drawn, chosen, strict=True)]
        truth = table.truth.astype(bool).tolist()
        hits.append(np.mean([r == t for r, t in zip(right, truth, strict=True)]))
        placed.append([*right, False].index(False) == [*truth, False].index(False))
    found = measured(table).set_index("k")
    assert found.index.tolist() == [1, 2, 4]
    assert found.accuracy[2] == pytest.approx(np.mean(hits))
    assert found.first_error[2] == pytest.approx(np.mean(placed))
    assert found.tokens.tolist() == [30, 60, 120]
    assert found.accuracy[4] == (table.label == table.truth).mean()


def test_costs_are_ratios_and_differences_on_the_same_problems():
    fixed, cheap = labels(), labels("adaptive", tokens=5)
    true = labels("binary_search", tokens=1).assign(label=lambda t: t.truth.astype(int))
    found = costs(measured(fixed, cheap, true), level=0.95).set_index(["method", "k"])
    same = found.loc["adaptive", 4]
    assert (same.tokens_ratio, same.tokens_ratio_low, same.tokens_ratio_high) == pytest.approx(
        (0.5, 0.5, 0.5)
    )
    assert (
        same.accuracy_gain == 0 and -0.3 < same.accuracy_gain_low < -0.2
    )  # twelve problems alike are not certain
    right, most = found.loc["binary_search", 4], found.loc["monte_carlo", 4]
    assert right.accuracy == right.first_error == 1 and right.accuracy_gain == pytest.approx(
        1 - most.accuracy
    )
    assert right.accuracy_gain_low < right.accuracy_gain < right.accuracy_gain_high


def test_a_ratio_of_unequal_problems_has_an_interval_that_holds_it():
    uneven = labels("adaptive").assign(tokens_spent=np.random.default_rng(1).integers(1, 40, 72))
    found = costs(measured(labels(), uneven), level=0.95).set_index("method").loc["adaptive"]
    assert found.tokens_ratio == pytest.approx(uneven.tokens_spent.sum() / (72 * 40))
    assert found.tokens_ratio_low < found.tokens_ratio < found.tokens_ratio_high


def test_intervals_of_ratios_cover_them():
    """Forty problems of skewed cost: a method that takes half the tokens on average."""
    stream, studies, covered = np.random.default_rng(4), 200, []
    for _ in range(studies):
        hard = stream.lognormal(sigma=0.8, size=40)
        spent = [scale * hard * stream.lognormal(sigma=0.6, size=40) for scale in (200, 100)]
        table = pd.DataFrame(
            {"dataset": "toy", "problem_id": range(40), "solutions": 2, "given": 2}
        )
        table = table.assign(accuracy=1.0, first_error=1.0, k=4)
        methods = zip(("monte_carlo", "adaptive"), spent, strict=True)
        rows = pd.concat([table.assign(method=method, tokens=tokens) for method, tokens in methods])
        found = costs(rows, level=0.95).set_index("method").loc["adaptive"]
        covered.append(found.tokens_ratio_low <= 0.5 <= found.tokens_ratio_high)
    print(f"ratio of tokens: covered {np.mean(covered):.3f}")
    assert np.mean(covered) >= 0.93


def draw(tables, spending):
    return fig9.draw(Results(labels=tables, spending=spending), Rules("min", {"math_to_code": 0.1}))


def test_figure_9_draws_each_method_in_each_data_set_and_saves_the_same_bytes(tmp_path):
    methods = ("monte_carlo", "omega", "of_a_plugin")
    tables = [labels(m, dataset=d) for d in ("arithmetic", "programs") for m in methods]
    contents = []
    for run in ("one", "two"):
        figure, data = draw(tables, [spent(table, 1) for table in tables])
        contents.append([path.read_bytes() for path in style.save(figure, data, tmp_path / run)])
    assert contents[0] == contents[1]
    cost = data[data.part == "cost"]
    assert len(cost) == 2 * 2 * (3 + 1 + 1) and len(figure.axes) == 6
    named = {lines.get_label() for axis in figure.axes for lines in axis.containers}
    assert named == {"K rollouts a prefix", "OmegaPRM's tree", "of a plugin"}
    drawn = {
        (round(x, 9), round(y, 9))
        for a in figure.axes
        for line in a.lines
        for x, y in line.get_xydata()
    }
    for x, y in ((cost.tokens, cost["mean"]), (data.value, data.right)):
        assert {(round(a, 9), round(b, 9)) for a, b in zip(x, y, strict=True) if b == b} <= drawn
    assert (reliability(tables).groupby("dataset").n.sum() == 3 * 72).all()


def test_what_gets_no_label_is_paid_for_and_counted():
    fixed = labels()
    # trees that label nine of twelve problems, and one of the three solutions of each of those
    tree, other = (labels("omega", problems=n).query("solution_id == 0") for n in (9, 3))
    took = pd.concat(
        [spent(tree, unlabelled=2, wasted=50), spent(other).assign(labelled=0, tokens=70)]
    )
    took["problem_id"] = fixed.problem_id.unique()
    found = costs(tabulate_problems([fixed, tree], [spent(fixed), took]), level=0.95)
    row = found.set_index("method").loc["omega"]
    assert row.tokens == pytest.approx((tree.tokens_spent.sum() + 9 * 50 + 3 * 70) / 9)
    assert (row.problems, row.problems_labelled, row.solutions_labelled) == (12, 0.75, 9 / 30)
    assert row.tokens_ratio == pytest.approx(row.tokens / (fixed.tokens_spent.sum() / 24))
    figure, _ = draw([fixed, tree], [spent(fixed), took])
    said = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert said.count("30 % labelled") == 2 and not any("100 % labelled" in text for text in said)


def test_figure_9_says_what_it_wants():
    with pytest.raises(UserError, match="truth is known"):
        draw([labels().assign(truth=float("nan"))], [spent(labels())])
