"""The compute of pre-training against that of reward-model training: the law's points, its fit and what follows.

A point is a base (size and pre-training checkpoint) with a reward model of the ladder's recipe on it at one checkpoint
of its training: its accuracy is that of best-of-n at the largest n, its budgets are the FLOPs of both trainings. What
labels cost is not in them. Nothing is said of budgets outside the points' convex hull.

The best split is chosen and measured on different problems: on one half the share with the highest predicted accuracy,
on the other what it gains over the better end; then the other way round. Chosen and measured on the same problems, the
best of many shares would gain by luck alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from prmscale.analysis import law, selection
from prmscale.analysis.bootstrap import Array, Interval, resampled_means, statistic_interval
from prmscale.analysis.law import FORMS, LAW, ONE_BUDGET, Budgets, Form
from prmscale.analysis.verdicts import Rules
from prmscale.engines import seeds

FEWEST = 8  # points: five parameters, and something to hold them against
CROSSED = 3  # bases with several checkpoints of their reward models
TOTALS = 5  # at which the table and figure 7 tell the best split

Numbers = tuple[float, float, float]  # a value and its interval


@dataclass(frozen=True)
class Points:
    """What was measured on a data set: accuracies (problems x seeds x points), and of each point the base, its
    parameters and pre-training tokens, the reward model's training steps, and the FLOPs of both trainings.
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
        """Whether a law can be fitted and a split be chosen: points enough, and three bases or more that were measured
        at several checkpoints of their reward models, so that each budget varies while the other stays.
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
    about = models.groupby("base")[["base_parameters", "base_tokens", "base_flops", "steps", "train_flops"]].mean()
    scored = search[(search["strategy"] == "best_of_n") & (search["aggregation"] == aggregation)]
    scored = scored[scored["reward_model"].isin(models["reward_model"]) & (scored["training_step"] > 0)]
    scored = scored.assign(base=scored["reward_model"].map(selection.fact(models, "base"))).join(about, on="base")
    scored["train_flops"] *= scored["training_step"] / scored["steps"]
    for dataset, rows in scored.groupby("dataset", sort=True):
        by = ["base_flops", "train_flops", "base_parameters", "base_tokens", "training_step", "base"]
        own = rows[rows["budget"] == rows["budget"].max()]
        wide = own.pivot_table("correct", ["problem_id", "seed"], by).dropna().unstack("seed").dropna()
        keys = wide.columns.droplevel("seed").unique()
        values = wide.to_numpy().reshape(len(wide), len(keys), -1).transpose(0, 2, 1)
        pretraining, training, *about_base = (keys.get_level_values(name).to_numpy(float) for name in by[:-1])
        bases = list(keys.get_level_values("base"))
        yield Points(str(dataset), bases, *about_base, Budgets(pretraining, training), values)


@dataclass(frozen=True)
class Split:
    """What the best split of a total gains over the better end of the shares that were measured."""

    total: float
    share: float
    least: float
    most: float
    gain: Interval

    def __str__(self) -> str:
        return f"{self.share:.0%} of {self.total:.2g} FLOPs for the PRM (measured: {self.least:.0%} to {self.most:.0%})"


def best_split(own: Points, rules: Rules) -> Split:
    """The best split at the points' middle total; its gain is measured where it was not chosen."""
    total = own.middle
    shares = law.measured_shares(own.budgets, total)
    order = seeds.generator(rules.seed, "halves", own.dataset).permutation(len(own.values))
    half = len(order) // 2
    values = np.concatenate([own.values[order[:half]], own.values[order[half : 2 * half]]], axis=2)

    def fits(means: Array) -> list[law.Fit]:
        return [law.fit(LAW, own.budgets, each) for each in np.split(means, 2, axis=1)]

    chosen = [law.best_share(each, total, shares)[0] for each in fits(values.mean(axis=(0, 1))[None])]

    def gains(means: Array) -> Array:
        parts = zip(fits(means), reversed(chosen), strict=True)
        return np.mean([law.gain(each, total, shares, share) for each, share in parts], axis=0)

    found = statistic_interval(values, gains, rules.level, rules.draws, rules.seed)
    best = law.best_share(law.fit(LAW, own.budgets, own.means), total, shares)[0]
    return Split(total, shares[best], shares[0], shares[-1], replace(found, n=len(own.values)))


def rival(own: Points) -> str:
    """The form in one budget alone that predicts bases left out best."""
    return min(ONE_BUDGET, key=lambda name: law.left_out_error(FORMS[name], own.budgets, own.means, own.bases)[0])


def advantage(own: Points, name: str, rules: Rules) -> Interval:
    """By how much the law's error on bases left out is below another form's."""
    return _left_out(own, rules, FORMS[name], LAW)


def _left_out(own: Points, rules: Rules, form: Form, less: Form | None = None) -> Interval:
    """A form's error on bases left out, or by how much another's is less."""

    def errors(means: Array) -> Array:
        first, *other = (law.left_out_error(each, own.budgets, means, own.bases) for each in (form, less) if each)
        return first - other[0] if other else first

    return statistic_interval(own.values, errors, rules.level, rules.draws, rules.seed)


def best_shares(own: Points, rules: Rules) -> pd.DataFrame:
    """The best share of PRM training at some totals with its interval, the shares between which it was sought, and the
    accuracy that the law predicts there.
    """
    totals = np.geomspace(own.budgets.total.min(), own.budgets.total.max(), TOTALS + 2)[1:-1]
    fitted = law.fit(LAW, own.budgets, _rows(own, rules))
    found = []
    for total in totals:
        shares = law.measured_shares(own.budgets, total)
        if len(shares):
            best = shares[law.best_share(fitted, total, shares)]
            accuracy = fitted.accuracy(law.spend(total, best[:1]))[0, 0]
            found.append((total, *_told(best, rules), shares[0], shares[-1], accuracy))
    return pd.DataFrame(found, columns=["total", "share", "low", "high", "least", "most", "accuracy"])


def table(search: pd.DataFrame, reward_models: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """The law of each data set as `law.csv` holds it: parameters, every form's error on bases left out, best shares.

    Intervals of parameters and shares are percentiles of the bootstrap. `at_flops` is the budget at which an error is
    told, or the total.
    """
    columns = ["dataset", "quantity", "at_flops", "value", "low", "high", "n", "seeds"]
    found = []
    for own in points(search, reward_models, rules.aggregation):
        if own.enough:
            shared = {"dataset": own.dataset, "n": own.values.shape[0], "seeds": own.values.shape[1]}
            found += [{**row, **shared} for row in _quantities(own, rules)]
    return pd.DataFrame(found, columns=columns)


def _quantities(own: Points, rules: Rules) -> Iterator[dict[str, object]]:
    fitted = law.fit(LAW, own.budgets, _rows(own, rules))
    floor, *scales = fitted.coefficients.T
    told: list[tuple[str, float, Numbers]] = [("error e that no budget removes", np.nan, _told(floor, rules))]
    names = (("pre-training", "alpha"), ("PRM training", "beta"))
    for (budget, exponent), scale, powers in zip(names, scales, fitted.exponents.T, strict=True):
        known = np.where(scale > 0, powers, np.nan)
        told.append((f"error that {budget} leaves", own.budgets.typical, _told(scale, rules)))
        told.append((f"exponent {exponent} of {budget}", np.nan, _told(known, rules)))
    for name, form in FORMS.items():
        found = _left_out(own, rules, form)
        told.append((f"error on bases left out, {name}", np.nan, (found.mean, found.low, found.high)))
    for share in best_shares(own, rules).to_dict("records"):
        numbers = (share["share"], share["low"], share["high"])
        told.append(("best share of PRM training", share["total"], numbers))
    for quantity, at, (value, low, high) in told:
        yield {"quantity": quantity, "at_flops": at, "value": value, "low": low, "high": high}


def _rows(own: Points, rules: Rules) -> Array:
    """The points' accuracies, and below them those of every resample."""
    return np.concatenate([own.means, resampled_means(own.values, rules.draws, rules.seed)])


def _told(values: Array, rules: Rules) -> Numbers:
    """The first value, and the percentiles of the others; values that are not known are left out."""
    tail = (1 - rules.level) / 2
    known = values[1:][~np.isnan(values[1:])]
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    return float(values[0]), float(low), float(high)
