"""The compute of pre-training against that of reward-model training: the points of the scaling law,
its fit, and the best split.

A point is a reward model of the ladder's recipe at one checkpoint of its training, on one base (a
size and a pre-training checkpoint). Its accuracy is that of best-of-n at the largest n; its budgets
are the FLOPs of both trainings, without the cost of labels. Nothing is predicted outside the
points' convex hull.

The best split is chosen and measured on different problems: the share with the highest predicted
accuracy is chosen on one half, its gain over the better end is measured on the other, and the
halves are swapped. On the same problems the best of many shares would gain by chance alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from prmscale import seeds
from prmscale.analysis import scaling_law as law
from prmscale.analysis.bases import jackknife, widen
from prmscale.analysis.estimates import Array, statistic_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.models import find_pretrainings, look_up
from prmscale.analysis.scaling_law import FORMS, LAW, ONE_BUDGET, Budgets, Form
from prmscale.analysis.verdicts import Rules

FEWEST = 8  # points: more than the five parameters of the scaling law
CROSSED = 3  # bases with several checkpoints of their reward models
BUDGETS = ("pre-training", "PRM training")  # in the order of the scaling law's terms
TOTALS = 5  # at which the table and figure 7 give the best split

ABOUT = ["base_parameters", "base_tokens", "base_flops", "steps", "train_flops"]  # of a base
KEYS = ["base_flops", "train_flops", "base_parameters", "base_tokens", "training_step", "base"]
SHARES = ["total", "share", "low", "high", "least", "most", "accuracy"]
QUANTITIES = ["dataset", "quantity", "at_flops", "value", "low", "high", "n", "seeds"]

Numbers = tuple[float, float, float]  # a value and its interval


@dataclass(frozen=True)
class Points:
    """What was measured on a data set: accuracies (problems x seeds x points), and for each point
    its base, the base's parameters and pre-training tokens, the reward model's training steps, and
    the FLOPs of both trainings.
    """

    dataset: str
    bases: list[str]
    sizes: Array
    tokens: Array
    steps: Array
    budgets: Budgets
    values: Array

    @property
    def means(self) -> Array:
        """The accuracy of each point, as one row."""
        return np.asarray(self.values.mean(axis=(0, 1))[None])

    @property
    def enough(self) -> bool:
        """Whether a scaling law can be fitted and a split chosen.

        It takes enough points, and three bases or more with several checkpoints of their reward
        models, so that each budget varies while the other stays.
        """
        crossed = sum(count > 1 for count in Counter(self.bases).values())
        fits = crossed >= CROSSED and len(self.bases) >= FEWEST
        return fits and len(law.list_shares(self.budgets, self.middle)) > 0

    @property
    def middle(self) -> float:
        """The geometric mean of the points' totals."""
        return float(np.exp(np.log(self.budgets.total).mean()))


def points(search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str) -> Iterator[Points]:
    """The points of each data set; problems and seeds that any point lacks are left out."""
    models = find_pretrainings(reward_models)
    if models.empty:
        return
    models = models.dropna(subset="base_flops")
    about = models.groupby("base")[ABOUT].mean()
    scored = search[(search["strategy"] == "best_of_n") & (search["aggregation"] == aggregation)]
    known = scored["reward_model"].isin(models["reward_model"])
    scored = scored[known & (scored["training_step"] > 0)]
    scored = scored.assign(base=scored["reward_model"].map(look_up(models, "base")))
    scored = scored.join(about, on="base")
    scored["train_flops"] *= scored["training_step"] / scored["steps"]
    for dataset, rows in scored.groupby("dataset", sort=True):
        yield _build_points(str(dataset), rows[rows["budget"] == rows["budget"].max()])


def _build_points(dataset: str, rows: pd.DataFrame) -> Points:
    """The points of one data set from its rows, which have the columns `KEYS`."""
    by_seed = rows.pivot_table("correct", ["problem_id", "replicate"], KEYS).dropna()
    wide = by_seed.unstack("replicate").dropna()
    keys = wide.columns.droplevel("replicate").unique()
    values = wide.to_numpy().reshape(len(wide), len(keys), -1).transpose(0, 2, 1)
    levels = {name: keys.get_level_values(name) for name in KEYS}
    facts = {name: levels[name].to_numpy(float) for name in KEYS[:-1]}
    return Points(
        dataset,
        bases=list(levels["base"]),
        sizes=facts["base_parameters"],
        tokens=facts["base_tokens"],
        steps=facts["training_step"],
        budgets=Budgets(facts["base_flops"], facts["train_flops"]),
        values=values,
    )


@dataclass(frozen=True)
class Split:
    """The best share of PRM training in a total, and its gain over the better end of the shares
    that were measured.
    """

    total: float
    share: float
    least: float
    most: float
    gain: Interval

    @property
    def at_end(self) -> bool:
        """Whether the best share is an end of those measured, which gains nothing over itself."""
        return self.share in (self.least, self.most) or bool(np.isnan(self.gain.low))

    def __str__(self) -> str:
        measured = f"measured: {self.least:.0%} to {self.most:.0%}"
        return f"{self.share:.0%} of {self.total:.2g} FLOPs for the PRM ({measured})"


def find_best_split(points: Points, rules: Rules) -> Split:
    """The best split at the points' middle total; its gain is measured on the problems on which it
    was not chosen.
    """
    total = points.middle
    shares = law.list_shares(points.budgets, total)
    generator = seeds.generator(rules.seed, "halves", points.dataset)
    order = generator.permutation(len(points.values))
    half = len(order) // 2
    halves = [points.values[order[:half]], points.values[order[half : 2 * half]]]
    values = np.concatenate(halves, axis=2)

    def fit_halves(kept: Array, means: Array) -> list[law.Fit]:
        budgets = points.budgets[kept]
        return [law.fit(LAW, budgets, each[:, kept]) for each in np.split(means, 2, axis=1)]

    every = np.ones(len(points.bases), dtype=bool)
    fits = fit_halves(every, values.mean(axis=(0, 1))[None])
    chosen = [law.best_share(each, total, shares)[0] for each in fits]

    def measure_gain(kept: Array, means: Array) -> Array:
        pairs = zip(fit_halves(kept, means), reversed(chosen), strict=True)
        gains = [law.gain(each, total, shares, share) for each, share in pairs]
        return np.mean(gains, axis=0)

    gain = jackknife(values, points.bases, measure_gain, rules)
    whole = law.fit(LAW, points.budgets, points.means)
    best = law.best_share(whole, total, shares)[0]
    return Split(total, shares[best], shares[0], shares[-1], replace(gain, n=len(points.values)))


def find_rival(points: Points) -> str:
    """The form in one budget alone with the smallest error on bases left out."""
    return min(ONE_BUDGET, key=lambda name: _mean_error(points, FORMS[name], points.means)[0])


def _mean_error(points: Points, form: Form, means: Array) -> Array:
    """A form's error on bases left out, the mean over them, for each row of means."""
    errors = law.leave_group_out_rmse(form, points.budgets, means, points.bases)
    return np.asarray(errors.mean(axis=1))


def measure_advantage(points: Points, name: str, rules: Rules) -> Interval:
    """By how much the scaling law's error on bases left out is below another form's."""
    return _measure_error(points, rules, FORMS[name], LAW)


def _measure_error(
    points: Points, rules: Rules, form: Form, against: Form | None = None
) -> Interval:
    """A form's error on bases left out, or by how much it exceeds another's; the mean over
    bases.
    """

    def list_errors(means: Array) -> Array:
        errors = law.leave_group_out_rmse(form, points.budgets, means, points.bases)
        if against is None:
            return errors
        return errors - law.leave_group_out_rmse(against, points.budgets, means, points.bases)

    by_base = list_errors(points.means)[0]
    found = statistic_interval(
        points.values, lambda means: list_errors(means).mean(axis=1), rules.level
    )
    variance = float(by_base.var(ddof=1)) / len(by_base)
    return widen(found, variance, len(by_base) - 1, rules.level)


def explain_missing(points: Points) -> str:
    """What is missing for a trade-off to be measured, in words; '' where nothing is.

    A fitted scaling law without one budget is a form in the other alone: there is nothing to
    compare, and its best split is the end.
    """
    if not points.enough:
        return (
            f"{FEWEST} points or more, {CROSSED} of the bases at several checkpoints of their PRMs"
        )
    scales = law.fit(LAW, points.budgets, points.means).coefficients[0, 1:]
    unused = [name for name, scale in zip(BUDGETS, scales, strict=True) if not scale]
    if not unused:
        return ""
    return (
        f"accuracies that grow with both budgets: the fitted law leaves {' and '.join(unused)} out"
    )


def best_shares(points: Points, rules: Rules) -> pd.DataFrame:
    """The best share of PRM training at some totals (columns `SHARES`): with its interval, the
    least and most share searched, and the predicted accuracy there.

    A share at an end of the range searched has no interval where no refit moves it.
    """
    least, most = points.budgets.total.min(), points.budgets.total.max()
    fitted = law.fit(LAW, points.budgets, points.means)
    found = []
    for total in np.geomspace(least, most, TOTALS + 2)[1:-1]:
        shares = law.list_shares(points.budgets, total)
        if not len(shares):
            continue
        best = shares[law.best_share(fitted, total, shares)]
        accuracy = fitted.accuracy(law.spend(total, best))[0, 0]

        def find_share(each: law.Fit, total: float = total, shares: Array = shares) -> Array:
            return np.log(shares[law.best_share(each, total, shares)])

        numbers = _measure_quantity(points, find_share, rules)
        value, low, high = (float(np.exp(each)) for each in numbers)
        low, high = np.clip([low, high], shares[0], shares[-1])
        found.append((total, value, low, high, shares[0], shares[-1], accuracy))
    return pd.DataFrame(found, columns=SHARES)


def table(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """The scaling law of each data set as `scaling_law.csv` holds it: its parameters, the error of
    every form on bases left out, and the best shares.

    Intervals are over problems, training seeds and bases; an interval without width is left out.
    `at_flops` is the budget at which an error is given, or the total of a share.
    """
    found = []
    for each in points(search, reward_models, rules.aggregation):
        if each.enough:
            problems, trained, _ = each.values.shape
            shared = {"dataset": each.dataset, "n": problems, "seeds": trained}
            found += [{**row, **shared} for row in _list_quantities(each, rules)]
    return pd.DataFrame(found, columns=QUANTITIES)


def _list_quantities(points: Points, rules: Rules) -> Iterator[dict[str, object]]:
    """Quantity, the FLOPs at which it is given, value and interval."""
    typical = points.budgets.typical

    def measure(quantity: Callable[[law.Fit], Array]) -> Numbers:
        return _measure_quantity(points, quantity, rules)

    floor = measure(lambda fitted: fitted.coefficients[:, 0])
    yield _quantity("error e that no budget removes", np.nan, floor)
    for number, (budget, name) in enumerate(zip(BUDGETS, ("alpha", "beta"), strict=True)):
        scale = measure(partial(_scale, number=number))
        yield _quantity(f"error that {budget} leaves", typical, scale)
        exponent = measure(partial(_exponent, number=number))
        yield _quantity(f"exponent {name} of {budget}", np.nan, exponent)
    for name, form in FORMS.items():
        error = _measure_error(points, rules, form)
        numbers = (error.mean, error.low, error.high)
        yield _quantity(f"error on bases left out, {name}", np.nan, numbers)
    for share in best_shares(points, rules).to_dict("records"):
        numbers = (share["share"], share["low"], share["high"])
        yield _quantity("best share of PRM training", share["total"], numbers)


def _quantity(name: str, at: float, numbers: Numbers) -> dict[str, object]:
    value, low, high = numbers
    row = {"quantity": name, "at_flops": at, "value": value}
    return {**row, "low": np.maximum(low, 0.0), "high": high}


def _scale(fitted: law.Fit, number: int) -> Array:
    return np.asarray(fitted.coefficients[:, 1 + number])


def _exponent(fitted: law.Fit, number: int) -> Array:
    """The exponents of a budget; NaN where the budget does not count."""
    return np.where(_scale(fitted, number) > 0, fitted.exponents[:, number], np.nan)


def _measure_quantity(
    points: Points, quantity: Callable[[law.Fit], Array], rules: Rules
) -> Numbers:
    """A quantity of the fitted scaling law and its interval; NaN where a refit gives NaN."""
    unit = points.budgets.typical

    def refit(kept: Array, means: Array) -> Array:
        return quantity(law.fit(LAW, points.budgets[kept], means[:, kept], unit))

    found = jackknife(points.values, points.bases, refit, rules)
    return found.mean, found.low, found.high
