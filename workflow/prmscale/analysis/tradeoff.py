"""The compute of pre-training against that of reward-model training: the law's points, its fit and
what follows.

A point is a base (size and pre-training checkpoint) with a reward model of the ladder's recipe on
it at one checkpoint of its training: its accuracy is that of best-of-n at the largest n, its
budgets are the FLOPs of both trainings. What labels cost is not in them. Nothing is said of budgets
outside the points' convex hull.

The best split is chosen and measured on different problems: on one half the share with the highest
predicted accuracy, on the other what it gains over the better end; then the other way round. Chosen
and measured on the same problems, the best of many shares would gain by luck alone.
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
from prmscale.analysis import selection
from prmscale.analysis.bases import jackknifed, widened
from prmscale.analysis.estimates import Array, statistic_interval
from prmscale.analysis.intervals import Interval
from prmscale.analysis.scaling_law import FORMS, LAW, ONE_BUDGET, Budgets, Form
from prmscale.analysis.verdicts import Rules

FEWEST = 8  # points: five parameters, and something to hold them against
CROSSED = 3  # bases with several checkpoints of their reward models
BUDGETS = ("pre-training", "PRM training")  # as the law has them
TOTALS = 5  # at which the table and figure 7 tell the best split

Numbers = tuple[float, float, float]  # a value and its interval


@dataclass(frozen=True)
class Points:
    """What was measured on a data set: accuracies (problems x seeds x points), and of each point
    the base, its parameters and pre-training tokens, the reward model's training steps, and the
    FLOPs of both trainings.
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
        """Whether a law can be fitted and a split be chosen: points enough, and three bases or more
        that were measured at several checkpoints of their reward models, so that each budget varies
        while the other stays.
        """
        crossed = sum(count > 1 for count in Counter(self.bases).values())
        fits = crossed >= CROSSED and len(self.bases) >= FEWEST
        return fits and len(law.measured_shares(self.budgets, self.middle)) > 0

    @property
    def middle(self) -> float:
        """The geometric mean of the points' totals."""
        return float(np.exp(np.log(self.budgets.total).mean()))


def points(search: pd.DataFrame, reward_models: pd.DataFrame, aggregation: str) -> Iterator[Points]:
    """The points of each data set; problems and seeds that a point lacks are left out of all."""
    models = selection.budgets(reward_models)
    if models.empty:
        return
    models = models.dropna(subset="base_flops")
    about = models.groupby("base")[
        ["base_parameters", "base_tokens", "base_flops", "steps", "train_flops"]
    ].mean()
    scored = search[(search["strategy"] == "best_of_n") & (search["aggregation"] == aggregation)]
    scored = scored[
        scored["reward_model"].isin(models["reward_model"]) & (scored["training_step"] > 0)
    ]
    scored = scored.assign(base=scored["reward_model"].map(selection.fact(models, "base"))).join(
        about, on="base"
    )
    scored["train_flops"] *= scored["training_step"] / scored["steps"]
    for dataset, rows in scored.groupby("dataset", sort=True):
        by = [
            "base_flops",
            "train_flops",
            "base_parameters",
            "base_tokens",
            "training_step",
            "base",
        ]
        own = rows[rows["budget"] == rows["budget"].max()]
        wide = (
            own.pivot_table("correct", ["problem_id", "replicate"], by)
            .dropna()
            .unstack("replicate")
            .dropna()
        )
        keys = wide.columns.droplevel("replicate").unique()
        values = wide.to_numpy().reshape(len(wide), len(keys), -1).transpose(0, 2, 1)
        pretraining, training, *facts = (
            keys.get_level_values(name).to_numpy(float) for name in by[:-1]
        )
        sizes, tokens, steps = facts
        bases = list(keys.get_level_values("base"))
        yield Points(
            str(dataset), bases, sizes, tokens, steps, Budgets(pretraining, training), values
        )


@dataclass(frozen=True)
class Split:
    """What the best split of a total gains over the better end of the shares that were measured."""

    total: float
    share: float
    least: float
    most: float
    gain: Interval

    @property
    def at_end(self) -> bool:
        """Whether an end of the splits measured was chosen, which gains nothing over itself."""
        return self.share in (self.least, self.most) or bool(np.isnan(self.gain.low))

    def __str__(self) -> str:
        return f"{self.share:.0%} of {self.total:.2g} FLOPs for the PRM (measured: {self.least:.0%} to {self.most:.0%})"


def best_split(own: Points, rules: Rules) -> Split:
    """The best split at the points' middle total; its gain is measured where it was not chosen."""
    total = own.middle
    shares = law.measured_shares(own.budgets, total)
    order = seeds.generator(rules.seed, "halves", own.dataset).permutation(len(own.values))
    half = len(order) // 2
    values = np.concatenate([own.values[order[:half]], own.values[order[half : 2 * half]]], axis=2)

    def fits(kept: Array, means: Array) -> list[law.Fit]:
        return [
            law.fit(LAW, own.budgets[kept], each[:, kept]) for each in np.split(means, 2, axis=1)
        ]

    every = np.ones(len(own.bases), dtype=bool)
    chosen = [
        law.best_share(each, total, shares)[0]
        for each in fits(every, values.mean(axis=(0, 1))[None])
    ]

    def gains(kept: Array, means: Array) -> Array:
        parts = zip(fits(kept, means), reversed(chosen), strict=True)
        return np.mean([law.gain(each, total, shares, share) for each, share in parts], axis=0)

    found = jackknifed(values, own.bases, gains, rules)
    best = law.best_share(law.fit(LAW, own.budgets, own.means), total, shares)[0]
    return Split(total, shares[best], shares[0], shares[-1], replace(found, n=len(own.values)))


def rival(own: Points) -> str:
    """The form in one budget alone that predicts bases left out best."""
    return min(
        ONE_BUDGET,
        key=lambda name: law.left_out_errors(FORMS[name], own.budgets, own.means, own.bases).mean(),
    )


def advantage(own: Points, name: str, rules: Rules) -> Interval:
    """By how much the law's error on bases left out is below another form's."""
    return _left_out(own, rules, FORMS[name], LAW)


def _left_out(own: Points, rules: Rules, form: Form, less: Form | None = None) -> Interval:
    """A form's error on bases left out, the mean over them, or by how much another's is less."""

    def errors(means: Array) -> Array:
        first, *other = (
            law.left_out_errors(each, own.budgets, means, own.bases)
            for each in (form, less)
            if each
        )
        return first - other[0] if other else first

    each = errors(own.means)[0]
    found = statistic_interval(own.values, lambda means: errors(means).mean(axis=1), rules.level)
    return widened(found, float(each.var(ddof=1)) / len(each), len(each) - 1, rules.level)


def wants(own: Points) -> str:
    """What is wanted for a trade-off to be measured, in words; '' where nothing is.

    A law that leaves a budget out is a form in the other alone: there is nothing to compare, and
    its best split is the end.
    """
    if not own.enough:
        return (
            f"{FEWEST} points or more, {CROSSED} of the bases at several checkpoints of their PRMs"
        )
    scales = law.fit(LAW, own.budgets, own.means).coefficients[0, 1:]
    unused = " and ".join(name for name, scale in zip(BUDGETS, scales, strict=True) if not scale)
    return (
        f"accuracies that grow with both budgets: the fitted law leaves {unused} out"
        if unused
        else ""
    )


def best_shares(own: Points, rules: Rules) -> pd.DataFrame:
    """The best share of PRM training at some totals with its interval, the shares between which it
    was sought, and the accuracy that the law predicts there. A share at the end of those has no
    interval where nothing moves it.
    """
    totals = np.geomspace(own.budgets.total.min(), own.budgets.total.max(), TOTALS + 2)[1:-1]
    fitted = law.fit(LAW, own.budgets, own.means)
    found = []
    for total in totals:
        shares = law.measured_shares(own.budgets, total)
        if len(shares):
            best = shares[law.best_share(fitted, total, shares)]
            accuracy = fitted.accuracy(law.spend(total, best))[0, 0]

            def share(each: law.Fit, total: float = total, shares: Array = shares) -> Array:
                return np.log(shares[law.best_share(each, total, shares)])

            value, low, high = (float(np.exp(each)) for each in _told(own, share, rules))
            low, high = np.clip([low, high], shares[0], shares[-1])
            found.append((total, value, low, high, shares[0], shares[-1], accuracy))
    return pd.DataFrame(
        found, columns=["total", "share", "low", "high", "least", "most", "accuracy"]
    )


def table(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """The law of each data set as `scaling_law.csv` holds it: parameters, every form's error on bases left
    out, best shares.

    Intervals are over problems, training seeds and bases; one without width is not told. `at_flops`
    is the budget at which an error is told, or the total.
    """
    columns = ["dataset", "quantity", "at_flops", "value", "low", "high", "n", "seeds"]
    found = []
    for own in points(search, reward_models, rules.aggregation):
        if own.enough:
            shared = {
                "dataset": own.dataset,
                "n": own.values.shape[0],
                "seeds": own.values.shape[1],
            }
            found += [{**row, **shared} for row in _quantities(own, rules)]
    return pd.DataFrame(found, columns=columns)


def _quantities(own: Points, rules: Rules) -> Iterator[dict[str, object]]:
    told: list[tuple[str, float, Numbers]] = [
        (
            "error e that no budget removes",
            np.nan,
            _told(own, lambda fitted: fitted.coefficients[:, 0], rules),
        )
    ]
    for number, (budget, name) in enumerate(zip(BUDGETS, ("alpha", "beta"), strict=True)):
        scale = partial(_scale, number=number)
        told.append((f"error that {budget} leaves", own.budgets.typical, _told(own, scale, rules)))
        told.append(
            (
                f"exponent {name} of {budget}",
                np.nan,
                _told(own, partial(_exponent, number=number), rules),
            )
        )
    for name, form in FORMS.items():
        found = _left_out(own, rules, form)
        told.append(
            (f"error on bases left out, {name}", np.nan, (found.mean, found.low, found.high))
        )
    for share in best_shares(own, rules).to_dict("records"):
        numbers = (share["share"], share["low"], share["high"])
        told.append(("best share of PRM training", share["total"], numbers))
    for quantity, at, (value, low, high) in told:
        yield {
            "quantity": quantity,
            "at_flops": at,
            "value": value,
            "low": np.maximum(low, 0.0),
            "high": high,
        }


def _scale(fitted: law.Fit, number: int) -> Array:
    return np.asarray(fitted.coefficients[:, 1 + number])


def _exponent(fitted: law.Fit, number: int) -> Array:
    """The exponents of a budget; not known (NaN) where it does not count."""
    return np.where(_scale(fitted, number) > 0, fitted.exponents[:, number], np.nan)


def _told(own: Points, quantity: Callable[[law.Fit], Array], rules: Rules) -> Numbers:
    """A quantity of the fitted law and its interval; not known where a refit does not know it."""
    unit = own.budgets.typical

    def fitted(kept: Array, means: Array) -> Array:
        return quantity(law.fit(LAW, own.budgets[kept], means[:, kept], unit))

    found = jackknifed(own.values, own.bases, fitted, rules)
    return found.mean, found.low, found.high
