"""Which reward models a figure or a claim compares.

Figures and claims choose their reward models here, so that a figure and the claim it illustrates
never show different models. `reward_models` is the table of `results.Results`: one row a reward
model and training seed, with the columns `NEEDED` and optionally untrained, shuffled, released and
role. Controls (untrained, or trained on shuffled labels) never count as reward models; released
ones are compared with models trained here by name alone. Process reward models (PRMs) are compared
among themselves; an outcome reward model (ORM) stands beside the PRM that `find_outcome_pairs`
names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

import numpy as np
import pandas as pd

from prmscale.analysis.rows import keep_scored
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.errors import UserError
from prmscale.study import VALIDATION

# what the models of a ladder of sizes have in common
DATA = ["train_on", "labels", "training_set"]
TRAINING = ["steps", "head", "ranking_weight", "supervise", "target"]
RECIPE = [*DATA, *TRAINING]
Axis = Literal["wordings", "problems", "policies"]  # how training sets of one size may differ
COUNTS = ["solutions", "problems", "wordings", "policies"]  # of a training set
LABELS = {"monte_carlo": "Monte-Carlo", "binary_search": "binary-search"}  # as in a sentence
OUTCOMES = "outcomes alone"  # what an ORM learns from, instead of labels
SAME_FLOPS = 0.01  # relative difference up to which two trainings cost the same
NEEDED = [
    "reward_model", "base", "base_parameters", "base_tokens", *RECIPE, *COUNTS, "train_flops",
]  # fmt: skip

Rank = Callable[[pd.DataFrame], tuple[float, ...]]


def is_marked(reward_models: pd.DataFrame, mark: str) -> pd.Series:
    """Which rows have this mark (`untrained`, `shuffled`, `released`); none without the column."""
    if mark not in reward_models:
        return pd.Series(False, index=reward_models.index, dtype=bool)
    return reward_models[mark].astype(bool)


def keep_largest(reward_models: pd.DataFrame) -> pd.DataFrame:
    """The reward model of the largest base with the most pre-training; of equals the first by name.

    All of its training seeds are kept.
    """
    if reward_models.empty:
        return reward_models
    rows = reward_models.assign(tokens=reward_models["base_tokens"].fillna(0))
    by = ["base_parameters", "tokens", "reward_model"]
    first = rows.sort_values(by, ascending=[False, False, True])["reward_model"].iloc[0]
    return reward_models[reward_models["reward_model"] == first]


def drop_controls(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models but the controls; `base_tokens` becomes its mean over the seeds of a base.

    Raises UserError if a column is missing.
    """
    missing = [column for column in NEEDED if column not in reward_models]
    if missing:
        raise UserError(
            f"reward models without the column {missing[0]!r}; they have "
            f"{list(reward_models.columns)}"
        )
    control = is_marked(reward_models, "untrained") | is_marked(reward_models, "shuffled")
    rows = reward_models[~control]
    return rows.assign(base_tokens=rows.groupby("base")["base_tokens"].transform("mean"))


def is_outcome_model(reward_models: pd.DataFrame) -> pd.Series:
    """Which rows are ORMs: a scalar head that learnt from the outcome at the last step alone.

    The implicit and the evidence head are none, however they are supervised: they add up what each
    token tells, so that training on outcomes gives every step a score (arXiv 2412.01981).
    """
    return (reward_models["supervise"] == "outcome") & (reward_models["head"] == "scalar")


def keep_process_models(reward_models: pd.DataFrame) -> pd.DataFrame:
    """The PRMs; where there is none, the ORMs take their place."""
    rows = reward_models[~is_outcome_model(reward_models)]
    return rows if len(rows) else reward_models


def keep_trained(reward_models: pd.DataFrame) -> pd.DataFrame:
    """PRMs that were trained here on fully pre-trained bases, without controls.

    Of the bases NAME and NAME@PERCENT, only that with the most tokens is kept. Where nothing was
    trained here, the released models take part.
    """
    rows = drop_controls(reward_models)
    here = rows[~is_marked(rows, "released")]
    rows = keep_process_models(here if len(here) else rows)
    tokens = rows["base_tokens"].fillna(0)  # unknown for released models
    names = rows["base"].str.split("@").str[0]
    return rows[tokens == tokens.groupby(names).transform("max")]


def find_ladder(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models that differ in size (and seed) alone, smallest first; empty without any.

    It is the recipe with the most sizes; of equals the plain scalar head, then the one trained on
    both domains, then the longest trained.
    """
    groups = [rows for _, rows in keep_trained(reward_models).groupby(RECIPE, dropna=False)]

    def rank(rows: pd.DataFrame) -> tuple[float, ...]:
        both = rows["train_on"].iloc[0] == "both"
        return (rows["base_parameters"].nunique(), *_is_plain(rows), both, _first(rows, "steps"))

    best = _find_best(groups, rank, reward_models)
    return best.sort_values(["base_parameters", "reward_model"], kind="stable")


def find_headline(reward_models: pd.DataFrame) -> pd.DataFrame:
    """The largest fully pre-trained reward model of the ladder, all its seeds.

    Claims about "the PRM" are about this one.
    """
    return keep_largest(find_ladder(reward_models))


def find_pretrainings(reward_models: pd.DataFrame) -> pd.DataFrame:
    """The ladder's recipe on every pre-training checkpoint of its bases; by size, then tokens."""
    recipe = find_ladder(reward_models)[RECIPE].drop_duplicates()
    rows = drop_controls(reward_models).dropna(subset="base_tokens").merge(recipe, on=RECIPE)
    by = ["base_parameters", "base_tokens", "reward_model"]
    return rows.sort_values(by, kind="stable", ignore_index=True)


def find_heads(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models of one base and training set that differ in head or ranking loss.

    Empty where only one head was trained. Of several bases it is the one with the most heads, then
    the largest. Of several models with the same head it is the ladder's, then the longest trained,
    then the first by name.
    """
    kind = ["head", "ranking_weight"]
    groups = [rows for _, rows in keep_trained(reward_models).groupby(["base", *DATA])]
    groups = [rows for rows in groups if len(rows[kind].drop_duplicates()) > 1]

    def rank(rows: pd.DataFrame) -> tuple[float, ...]:
        return len(rows[kind].drop_duplicates()), rows["base_parameters"].max()

    best = _find_best(groups, rank, reward_models)
    other = ~best["reward_model"].isin(find_ladder(reward_models)["reward_model"])
    by = ["other", "steps", "reward_model"]
    ordered = best.assign(other=other).sort_values(by, ascending=[True, False, True])
    names = ordered.drop_duplicates(kind)["reward_model"]
    return best[best["reward_model"].isin(names)].sort_values(kind, kind="stable")


def find_training_sets(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models of one base that differ in training set (and seed) alone.

    It is the base with the most sets; of equals the plain scalar head, the largest base, then the
    longest trained. Of sets with the same domains and labels only the fullest takes part.
    """
    key = ["train_on", "labels"]
    groups = []
    for _, rows in keep_trained(reward_models).groupby(["base", *TRAINING], dropna=False):
        groups.append(pd.concat(_keep_fullest(same) for _, same in rows.groupby(key)))

    def rank(rows: pd.DataFrame) -> tuple[float, ...]:
        sets = len(rows[key].drop_duplicates())
        return (sets, *_is_plain(rows), _first(rows, "base_parameters"), _first(rows, "steps"))

    best = _find_best(groups, rank, reward_models)
    return best.sort_values([*key, "reward_model"], kind="stable")


def find_diversity_series(reward_models: pd.DataFrame, axis: Axis) -> pd.DataFrame:
    """Reward models of one recipe whose training sets have one size and differ along `axis` alone.

    The least diverse comes first; empty without such a series. Of several it is the one with the
    most levels; of equals the plain scalar head, the largest base, then the largest sets.
    """
    fixed = [*(column for column in COUNTS if column != axis), "train_on", "labels"]
    by = ["base", *fixed, *TRAINING]
    groups = [rows for _, rows in keep_trained(reward_models).groupby(by)]
    groups = [rows for rows in groups if rows[axis].nunique() > 1]

    def rank(rows: pd.DataFrame) -> tuple[float, ...]:
        ends = (_first(rows, "base_parameters"), _first(rows, "solutions"))
        return (rows[axis].nunique(), *_is_plain(rows), *ends)

    best = _find_best(groups, rank, reward_models)
    return best.sort_values([axis, "reward_model"], kind="stable")


def find_twins(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """The names of PRM-Math and PRM-Code of table 1; empty where the study has no such pair.

    They are the models whose `role` says so; else the largest base that was trained on math and on
    code by the same recipe.
    """
    rows = drop_controls(reward_models)
    if not ("role" in rows and _has_both_domains(rows["role"])):
        rows = keep_trained(reward_models).assign(role=lambda table: table["train_on"])
        by = ["base", "labels", *TRAINING]
        groups = [group for _, group in rows.groupby(by, dropna=False)]
        groups = [group for group in groups if _has_both_domains(group["role"])]
        if not groups:
            return {}

        def rank(rows: pd.DataFrame) -> tuple[float, ...]:
            return (*_is_plain(rows), _first(rows, "base_parameters"), _first(rows, "steps"))

        rows = max(groups, key=rank)
    names = {role: rows.loc[rows["role"] == role, "reward_model"] for role in ("math", "code")}
    return {role: sorted(set(each)) for role, each in names.items()}


def find_by_training_domain(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """The twins (keys math and code), and the same recipe trained on both domains (key both).

    A key is missing where no such model is; of several sets of both domains it is the fullest.
    """
    found = find_twins(reward_models)
    if found:
        rows = drop_controls(reward_models)
        by = ["base", "labels", *TRAINING]
        recipe = rows.loc[rows["reward_model"].isin(found["math"]), by].drop_duplicates()
        both = rows[rows["train_on"] == "both"].merge(recipe, on=by)
        if len(both):
            found["both"] = sorted(set(_keep_fullest(both)["reward_model"]))
    return found


def find_outcome_pairs(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a PRM and the ORM that differs from it in `supervise` alone, smallest first.

    The columns are base, base_parameters, and the names `process` and `outcome`. Both sides have
    one base, training set, number of solutions and of steps, head, and the same FLOPs of training.
    All pairs have one recipe: the ladder's where it has an ORM, else that with the most sizes.
    Of several models that could be one side, it is the first by name.
    """
    shared = ["base", *DATA, *COUNTS, *(name for name in TRAINING if name != "supervise")]
    models = drop_controls(reward_models).drop_duplicates("reward_model")
    outcome = is_outcome_model(models)
    trained = models["reward_model"].isin(keep_trained(reward_models)["reward_model"])
    sides = models[trained & ~outcome].sort_values("reward_model")
    pairs = sides.merge(models[outcome].sort_values("reward_model"), on=shared, suffixes=("", "_o"))
    process, other = (pairs[name].astype(float) for name in ("train_flops", "train_flops_o"))
    pairs = pairs[np.isclose(process, other, rtol=SAME_FLOPS)]
    pairs = pairs.drop_duplicates([*shared, "supervise"])
    ladder = find_ladder(reward_models)["reward_model"]

    def rank(rows: pd.DataFrame) -> tuple[float, ...]:
        return rows["reward_model"].isin(ladder).any(), rows["base_parameters"].nunique()

    recipes = pairs.groupby([*shared[1:], "supervise"], dropna=False)
    best = _find_best([rows for _, rows in recipes], rank, pairs)
    named = best.rename(columns={"reward_model": "process", "reward_model_o": "outcome"})
    columns = ["base", "base_parameters", "process", "outcome"]
    return named.sort_values(["base_parameters", "process"], ignore_index=True)[columns]


def find_with_checkpoints(search: pd.DataFrame, reward_models: pd.DataFrame) -> pd.DataFrame:
    """The PRMs measured at the most training steps, if several; smallest first."""
    models, scored = keep_process_models(reward_models), keep_scored(search)
    known = scored[scored["reward_model"].isin(models["reward_model"])]
    steps = known.groupby("reward_model")["training_step"].nunique()
    most = steps.index[(steps > 1) & (steps == steps.max())]
    rows = models[models["reward_model"].isin(most)]
    by = ["base_parameters", "train_on", "labels", "reward_model"]
    return rows.sort_values(by, kind="stable")


def choose_aggregation(
    reward_models: pd.DataFrame, among: Collection[str] = tuple(AGGREGATIONS)
) -> str:
    """The aggregation of step scores with the best mean best-of-n on validation problems.

    The mean is over PRMs without controls; of equals it is the first of last, min, product, mean,
    sum. No test problem takes part. Raises UserError if none was measured. ORMs have no say: the
    score of their last step is the one that they were trained to give.
    """
    rows = keep_process_models(drop_controls(reward_models))
    columns = {name: f"validation_best_of_n_{name}" for name in AGGREGATIONS if name in among}
    means = {name: rows[column].mean() for name, column in columns.items() if column in rows}
    known = {name: mean for name, mean in means.items() if pd.notna(mean)}
    if not known:
        raise UserError(
            "analysis.aggregation: 'validation' needs best_of_n_<aggregation> among the reward "
            "models' measures on validation problems; they have none. Name an aggregation, or give "
            "the data sets validation problems"
        )
    return max(known, key=lambda name: known[name])


def resolve_aggregation(
    configured: str, reward_models: pd.DataFrame, measured: Collection[str]
) -> str:
    """The aggregation that figures and claims use: the configured one, or if that is `validation`,
    the best of those measured (`choose_aggregation`).
    """
    return choose_aggregation(reward_models, measured) if configured == VALIDATION else configured


def look_up(reward_models: pd.DataFrame, column: str) -> pd.Series:
    """One fact by reward model's name; the seeds of a model share it."""
    return reward_models.drop_duplicates("reward_model").set_index("reward_model")[column]


def name_head(head: str, ranking_weight: float) -> str:
    """What people call a head and its loss."""
    return f"{head} head" + (" with ranking loss" if ranking_weight else "")


def name_labels(labels: pd.Series) -> pd.Series:
    """What people call the labels of each training set."""
    return labels.replace(LABELS, regex=True) + " labels"


def name_kinds(reward_models: pd.DataFrame) -> pd.Series:
    """A legend's text for each reward model, by name: the facts in which the models differ."""
    rows = reward_models.drop_duplicates("reward_model")
    pairs = zip(rows["head"], rows["ranking_weight"], strict=True)
    facts = {
        "base": "from " + rows["base"],
        "train_on": "trained on " + rows["train_on"].replace("both", "math and code"),
        "labels": name_labels(rows["labels"]).mask(is_outcome_model(rows), OUTCOMES),
        "steps": rows["steps"].astype(str) + " steps",
        "head": pd.Series([name_head(*pair) for pair in pairs], index=rows.index, dtype=object),
    }
    differing = [text for text in facts.values() if text.nunique() > 1] or [facts["base"]]
    texts = [", ".join(parts) for parts in zip(*differing, strict=True)]
    return pd.Series(texts, index=rows["reward_model"])


def _find_best(groups: list[pd.DataFrame], rank: Rank, like: pd.DataFrame) -> pd.DataFrame:
    """The first group of the highest rank; without groups, no row of the table `like`."""
    return max(groups, key=rank) if groups else like.iloc[:0]


def _first(rows: pd.DataFrame, column: str) -> int:
    return int(rows[column].iloc[0])


def _is_plain(rows: pd.DataFrame) -> tuple[bool, bool]:
    """Whether the group's head is scalar, and trained without a ranking loss: the usual choice."""
    return rows["head"].iloc[0] == "scalar", float(rows["ranking_weight"].iloc[0]) == 0


def _has_both_domains(roles: pd.Series) -> bool:
    return {"math", "code"} <= set(roles)


def _keep_fullest(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the largest training set, then the one with the most problems, wordings,
    policies.
    """
    by = [*COUNTS, "training_set"]
    ordered = rows.sort_values(by, ascending=[*[False] * len(COUNTS), True])
    return rows[rows["training_set"] == ordered["training_set"].iloc[0]]
