"""Which rows and reward models a figure or a claim compares.

One place decides, so that a figure and the claim it illustrates never look at different models.
Everything takes the search table and the table `reward_models` (one row a reward model and training
seed: reward_model, replicate, base, base_parameters, base_tokens, train_on, labels, training_set
and the solutions, problems, wordings and policies in it, steps, head, ranking_weight, supervise,
target, and optionally untrained, shuffled, released and role). Controls, untrained or trained on
shuffled labels, are never taken for reward models; released ones are compared with those trained
here by name alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import pandas as pd

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.errors import UserError
from prmscale.study import VALIDATION

# what is alike in a ladder of sizes
DATA = ["train_on", "labels", "training_set"]
TRAINING = ["steps", "head", "ranking_weight", "supervise", "target"]
RECIPE = [*DATA, *TRAINING]
Axis = Literal["wordings", "problems", "policies"]  # in which training sets of one size differ
COUNTS = ["solutions", "problems", "wordings", "policies"]  # of a training set
LABELS = {"monte_carlo": "Monte-Carlo", "binary_search": "binary-search"}  # as a sentence has them
NEEDED = ["reward_model", "base", "base_parameters", "base_tokens", *RECIPE, *COUNTS]


def first_policy(search: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table's first policy: figures and claims about reward models hold the policy
    fixed.
    """
    return search[search["policy"] == search["policy"].iloc[0]] if len(search) else search


def by_reward_model(search: pd.DataFrame) -> pd.DataFrame:
    """The rows whose column `reward_model` names one: that of `base_likelihood` names a language
    model.
    """
    return search[_scored(search)]


def _scored(search: pd.DataFrame) -> pd.Series:
    return (search["reward_model"] != "") & (search["strategy"] != "base_likelihood")


def other_aggregations(search: pd.DataFrame, aggregation: str) -> pd.Series:
    """Which rows are of a strategy that was measured by this aggregation of step scores, and are by
    another one.
    """
    scored = _scored(search)
    this = search["aggregation"] == aggregation
    return scored & ~this & search["strategy"].isin(search.loc[scored & this, "strategy"].unique())


def final(search: pd.DataFrame) -> pd.DataFrame:
    """The rows of fully trained reward models, and those that use none."""
    scored = by_reward_model(search)
    early = scored["training_step"] < scored.groupby("reward_model")["training_step"].transform(
        "max"
    )
    return search.drop(index=scored.index[early])


def best_of_n(search: pd.DataFrame, reward_models: Iterable[str], aggregation: str) -> pd.DataFrame:
    """The rows of best-of-n by these reward models; raises UserError when there are none."""
    names = list(dict.fromkeys(reward_models))
    scored = search[search["strategy"] == "best_of_n"]
    rows = scored[scored["reward_model"].isin(names) & (scored["aggregation"] == aggregation)]
    if rows.empty:
        held = sorted(
            {
                f"{r} by {a}"
                for r, a in zip(scored["reward_model"], scored["aggregation"], strict=True)
            }
        )
        raise UserError(
            f"no best_of_n rows of the reward models {', '.join(names)} with aggregation "
            f"{aggregation!r} in the search table; it holds "
            f"{', '.join(held) or 'no best_of_n rows at all'}"
        )
    return rows


def controls(
    search: pd.DataFrame, strategies: Iterable[str], budgets: Iterable[int] | None = None
) -> pd.DataFrame:
    """The rows of strategies without a reward model; one_sample has the budget 1 alone and is
    always kept.

    Of the policy's likelihood, that of the whole text: the sum over tokens.
    """
    rows = search[search["strategy"].isin(list(strategies)) & (search["reward_model"] == "")]
    rows = rows[(rows["strategy"] != "likelihood") | (rows["aggregation"] == "sum")]
    return (
        rows
        if budgets is None
        else rows[rows["budget"].isin(list(budgets)) | (rows["strategy"] == "one_sample")]
    )


def marked(reward_models: pd.DataFrame, mark: str) -> pd.Series:
    """Which reward models are of this kind (`untrained`, `shuffled`, `released`); none where the
    table does not say.
    """
    if mark not in reward_models:
        return pd.Series(False, index=reward_models.index, dtype=bool)
    return reward_models[mark].astype(bool)


def largest(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Those of the largest base (and of its fullest pre-training); of several reward models the
    first by name.
    """
    rows = reward_models.assign(tokens=reward_models["base_tokens"].fillna(0))
    rows = rows.sort_values(
        ["base_parameters", "tokens", "reward_model"], ascending=[False, False, True]
    )
    return (
        reward_models[reward_models["reward_model"] == rows["reward_model"].iloc[0]]
        if len(rows)
        else reward_models
    )


def real(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models that are no controls; `base_tokens` is the mean over the trainings of one base."""
    missing = [column for column in NEEDED if column not in reward_models]
    if missing:
        raise UserError(
            f"reward models without the column {missing[0]!r}; they have "
            f"{list(reward_models.columns)}"
        )
    rows = reward_models[~marked(reward_models, "untrained") & ~marked(reward_models, "shuffled")]
    return rows.assign(base_tokens=rows.groupby("base")["base_tokens"].transform("mean"))


def trained(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models trained here, no controls, whose base (NAME or NAME@PERCENT) has the most
    pre-training of its name.

    Released ones only where nothing is trained.
    """
    rows = real(reward_models)
    here = rows[~marked(rows, "released")]
    rows = here if len(here) else rows
    tokens = rows["base_tokens"].fillna(0)  # not known of released models
    return rows[tokens == tokens.groupby(rows["base"].str.split("@").str[0]).transform("max")]


def _plain(rows: pd.DataFrame) -> tuple[bool, bool]:
    """Whether a group's head is the scalar one, trained without a ranking loss: what is compared
    unless heads are.
    """
    return rows["head"].iloc[0] == "scalar", float(rows["ranking_weight"].iloc[0]) == 0


def ladder(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models that differ in size (and seed) alone: of the recipe with the most sizes;
    smallest first.

    Of equals, the recipe with a plain scalar head, trained on both domains, then the longest
    trained.
    """
    groups = [rows for _, rows in trained(reward_models).groupby(RECIPE, dropna=False)]
    if not groups:
        return reward_models.iloc[:0]
    best = max(
        groups,
        key=lambda g: (
            g["base_parameters"].nunique(),
            *_plain(g),
            g["train_on"].iloc[0] == "both",
            int(g["steps"].iloc[0]),
        ),
    )
    return best.sort_values(["base_parameters", "reward_model"], kind="stable")


def headline(reward_models: pd.DataFrame) -> pd.DataFrame:
    """The largest fully pre-trained reward model of the ladder, all its seeds: what claims about
    the PRM speak of.
    """
    return largest(ladder(reward_models))


def budgets(reward_models: pd.DataFrame) -> pd.DataFrame:
    """The ladder's recipe at every pre-training budget of its bases; by size, then by tokens."""
    recipe = ladder(reward_models)[RECIPE].drop_duplicates()
    rows = real(reward_models).dropna(subset="base_tokens").merge(recipe, on=RECIPE)
    return rows.sort_values(
        ["base_parameters", "base_tokens", "reward_model"], kind="stable", ignore_index=True
    )


def heads(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models of one base and training set that differ in head or ranking loss; empty where
    there is one head.

    Of several bases that with the most heads, then the largest; of one head's that of the ladder,
    then the longest trained, then the first.
    """
    groups = [rows for _, rows in trained(reward_models).groupby(["base", *DATA])]
    groups = [
        rows for rows in groups if len(rows[["head", "ranking_weight"]].drop_duplicates()) > 1
    ]
    if not groups:
        return reward_models.iloc[:0]
    best = max(
        groups,
        key=lambda g: (
            len(g[["head", "ranking_weight"]].drop_duplicates()),
            g["base_parameters"].max(),
        ),
    )
    other = ~best["reward_model"].isin(ladder(reward_models)["reward_model"])
    first = best.assign(other=other).sort_values(
        ["other", "steps", "reward_model"], ascending=[True, False, True]
    )
    names = first.drop_duplicates(["head", "ranking_weight"])["reward_model"]
    return best[best["reward_model"].isin(names)].sort_values(
        ["head", "ranking_weight"], kind="stable"
    )


def training_sets(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models of one base that differ in training set (and seed) alone: of the base with the
    most sets.

    Of sets with the same domains and labels the largest, then that of the most problems, wordings,
    policies. Of equals, a plain scalar head, the largest base, then the longest trained.
    """
    groups = [rows for _, rows in trained(reward_models).groupby(["base", *TRAINING], dropna=False)]
    if not groups:
        return reward_models.iloc[:0]
    groups = [
        pd.concat(_fullest(own) for _, own in rows.groupby(["train_on", "labels"]))
        for rows in groups
    ]
    best = max(
        groups,
        key=lambda g: (
            len(g[["train_on", "labels"]].drop_duplicates()),
            *_plain(g),
            int(g["base_parameters"].iloc[0]),
            int(g["steps"].iloc[0]),
        ),
    )
    return best.sort_values(["train_on", "labels", "reward_model"], kind="stable")


def _fullest(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one training set: of the largest, then the one with the most problems, wordings,
    policies.
    """
    ordered = rows.sort_values([*COUNTS, "training_set"], ascending=[*[False] * len(COUNTS), True])
    return rows[rows["training_set"] == ordered["training_set"].iloc[0]]


def diversity(reward_models: pd.DataFrame, axis: Axis) -> pd.DataFrame:
    """Reward models of one recipe whose training sets are of one size and differ in how many
    wordings, problems, or policies they hold; fewest first, empty where there are none.

    Of several such series that with the most levels; of equals a plain scalar head, the largest
    base, the largest sets.
    """
    fixed = [*(column for column in COUNTS if column != axis), "train_on", "labels"]
    groups = [rows for _, rows in trained(reward_models).groupby(["base", *fixed, *TRAINING])]
    groups = [rows for rows in groups if rows[axis].nunique() > 1]
    if not groups:
        return reward_models.iloc[:0]
    best = max(
        groups,
        key=lambda g: (
            g[axis].nunique(),
            *_plain(g),
            int(g["base_parameters"].iloc[0]),
            int(g["solutions"].iloc[0]),
        ),
    )
    return best.sort_values([axis, "reward_model"], kind="stable")


def twins(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """PRM-Math and PRM-Code of table 1, by name (several: seeds); empty where the study has no such
    pair.

    Those whose `role` says so; else the largest base trained on math and on code with the same
    recipe.
    """
    rows = real(reward_models)
    if not ("role" in rows and {"math", "code"} <= set(rows["role"])):
        rows = trained(reward_models).assign(role=lambda table: table["train_on"])
        alike = ["base", "labels", *TRAINING]
        groups = [
            g for _, g in rows.groupby(alike, dropna=False) if {"math", "code"} <= set(g["role"])
        ]
        if not groups:
            return {}
        rows = max(
            groups,
            key=lambda g: (*_plain(g), int(g["base_parameters"].iloc[0]), int(g["steps"].iloc[0])),
        )
    return {
        role: sorted(set(rows.loc[rows["role"] == role, "reward_model"]))
        for role in ("math", "code")
    }


def by_training_domain(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """The `twins`, and those of the math twin's base and recipe trained on both domains, as far as
    there are any.

    Of several sets of both domains with the same kind of labels it is the fullest.
    """
    found = twins(reward_models)
    if found:
        rows = real(reward_models)
        alike = ["base", "labels", *TRAINING]
        recipe = rows.loc[rows["reward_model"].isin(found["math"]), alike].drop_duplicates()
        both = rows[rows["train_on"] == "both"].merge(recipe, on=alike)
        found |= {"both": sorted(set(_fullest(both)["reward_model"]))} if len(both) else {}
    return found


def chosen_aggregation(
    reward_models: pd.DataFrame, among: Collection[str] = tuple(AGGREGATIONS)
) -> str:
    """Of these aggregations of step scores that with the best mean best-of-n on validation
    problems, over PRMs that are no controls; of equals the first in the order last, min, product,
    mean, sum. No test problem takes part.
    """
    rows = real(reward_models)
    means = {
        name: rows[f"validation_best_of_n_{name}"].mean()
        for name in AGGREGATIONS
        if name in among and f"validation_best_of_n_{name}" in rows
    }
    known = {name: mean for name, mean in means.items() if pd.notna(mean)}
    if not known:
        raise UserError(
            "analysis.aggregation: 'validation' wants best_of_n_<aggregation> among the reward "
            "models' measures on validation problems; they have none. Name an aggregation, or give "
            "the data sets validation problems"
        )
    return max(known, key=lambda name: known[name])


def aggregation(configured: str, reward_models: pd.DataFrame, measured: Collection[str]) -> str:
    """The aggregation that figures and claims use: the configured one, or that of those measured
    which `validation` chooses.
    """
    return chosen_aggregation(reward_models, measured) if configured == VALIDATION else configured


def per_problem(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by problem_id (rows) and training seed (columns)."""
    return rows.groupby(["problem_id", "replicate"])["correct"].mean().unstack("replicate")


def minus(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """The difference of two `per_problem` tables on their common problems: of the same seeds where
    both have several, else the one column against each of the other's.
    """
    if a.empty or b.empty:
        return pd.DataFrame()
    if a.shape[1] > 1 and b.shape[1] > 1:
        shared = a.columns.intersection(b.columns)
        if len(shared):
            return (a[shared] - b[shared]).dropna(how="all")
    wide, one, sign = (a, b, 1) if b.shape[1] == 1 else (b, a, -1)
    return (sign * wide.sub(one.mean(axis=1), axis=0)).dropna(how="all")


def with_checkpoints(search: pd.DataFrame, reward_models: pd.DataFrame) -> pd.DataFrame:
    """Those reward models that the search table measures at the most training steps, if several;
    smallest first.
    """
    scored = by_reward_model(search)
    own = scored[scored["reward_model"].isin(reward_models["reward_model"])]
    steps = own.groupby("reward_model")["training_step"].nunique()
    most = steps.index[(steps > 1) & (steps == steps.max())]
    rows = reward_models[reward_models["reward_model"].isin(most)]
    return rows.sort_values(
        ["base_parameters", "train_on", "labels", "reward_model"], kind="stable"
    )


def fact(reward_models: pd.DataFrame, column: str) -> pd.Series:
    """One of the facts by reward model's name; seeds share it."""
    return reward_models.drop_duplicates("reward_model").set_index("reward_model")[column]


def head_name(head: str, ranking_weight: float) -> str:
    """What people call a head and its loss."""
    return f"{head} head" + (" with ranking loss" if ranking_weight else "")


def kinds(reward_models: pd.DataFrame) -> pd.Series:
    """What to call each reward model in a legend, by name: of its facts those that differ; alike
    for seeds.
    """
    rows = reward_models.drop_duplicates("reward_model")
    pairs = zip(rows["head"], rows["ranking_weight"], strict=True)
    facts = {
        "base": "from " + rows["base"],
        "train_on": "trained on " + rows["train_on"].replace("both", "math and code"),
        "labels": rows["labels"].replace(LABELS, regex=True) + " labels",
        "steps": rows["steps"].astype(str) + " steps",
        "head": pd.Series([head_name(*pair) for pair in pairs], index=rows.index, dtype=object),
    }
    differing = [text for text in facts.values() if text.nunique() > 1] or [facts["base"]]
    texts = [", ".join(parts) for parts in zip(*differing, strict=True)]
    return pd.Series(texts, index=rows["reward_model"])
