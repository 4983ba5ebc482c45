"""Which rows and reward models a figure or a claim compares.

One place decides, so that a figure and the claim it illustrates never look at different models. Everything takes the
search table and the table `reward_models` (one row a reward model: reward_model, base, base_parameters, base_tokens,
train_on, labels, seed, steps, and optionally untrained and role).
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from prmscale.errors import UserError

RECIPE = ["train_on", "labels", "steps"]  # what is alike in a ladder of sizes
NEEDED = ["reward_model", "base", "base_parameters", "base_tokens", *RECIPE]


def first_policy(search: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table's first policy: figures and claims about reward models hold the policy fixed."""
    return search[search["policy"] == search["policy"].iloc[0]] if len(search) else search


def final(search: pd.DataFrame) -> pd.DataFrame:
    """The rows of fully trained reward models, and those that use none."""
    last = search.groupby("reward_model")["training_step"].transform("max")
    return search[search["training_step"] == last]


def best_of_n(search: pd.DataFrame, reward_models: Iterable[str], aggregation: str) -> pd.DataFrame:
    """The rows of best-of-n by these reward models; raises UserError when there are none."""
    names = list(reward_models)
    scored = search[search["strategy"] == "best_of_n"]
    rows = scored[scored["reward_model"].isin(names) & (scored["aggregation"] == aggregation)]
    if rows.empty:
        held = sorted({f"{r} by {a}" for r, a in zip(scored["reward_model"], scored["aggregation"], strict=True)})
        raise UserError(
            f"no best_of_n rows of the reward models {', '.join(names)} with aggregation {aggregation!r} in the search "
            f"table; it holds {', '.join(held) or 'no best_of_n rows at all'}"
        )
    return rows


def controls(search: pd.DataFrame, strategies: Iterable[str], budgets: Iterable[int] | None = None) -> pd.DataFrame:
    """The rows of strategies without a reward model; one_sample has the budget 1 alone and is always kept."""
    rows = search[search["strategy"].isin(list(strategies)) & (search["reward_model"] == "")]
    return rows if budgets is None else rows[rows["budget"].isin(list(budgets)) | (rows["strategy"] == "one_sample")]


def untrained(reward_models: pd.DataFrame) -> pd.Series:
    """Which reward models are controls with a random head; none where the table does not say."""
    if "untrained" not in reward_models:
        return pd.Series(False, index=reward_models.index, dtype=bool)
    return reward_models["untrained"].astype(bool)


def trained(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Trained reward models whose base has seen the most pre-training tokens of its size."""
    missing = [column for column in NEEDED if column not in reward_models]
    if missing:
        raise UserError(f"reward models without the column {missing[0]!r}; they have {list(reward_models.columns)}")
    rows = reward_models[~untrained(reward_models)]
    tokens = rows["base_tokens"].fillna(0)  # not known of released models
    return rows[tokens == tokens.groupby(rows["base_parameters"]).transform("max")]


def ladder(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models that differ in size (and seed) alone: of the recipe with the most sizes; smallest first.

    Of equals, the recipe trained on both domains, then the longest trained.
    """
    groups = [rows for _, rows in trained(reward_models).groupby(RECIPE)]
    if not groups:
        return reward_models.iloc[:0]
    best = max(
        groups,
        key=lambda g: (g["base_parameters"].nunique(), g["train_on"].iloc[0] == "both", int(g["steps"].iloc[0])),
    )
    return best.sort_values(["base_parameters", "reward_model"])


def training_sets(reward_models: pd.DataFrame) -> pd.DataFrame:
    """Reward models of one base that differ in training set (and seed) alone: of the base with the most sets.

    Of equals, the largest base, then the longest trained.
    """
    groups = [rows for _, rows in trained(reward_models).groupby(["base", "steps"])]
    if not groups:
        return reward_models.iloc[:0]
    best = max(
        groups,
        key=lambda g: (
            len(g[["train_on", "labels"]].drop_duplicates()),
            int(g["base_parameters"].iloc[0]),
            int(g["steps"].iloc[0]),
        ),
    )
    return best.sort_values(["train_on", "labels", "reward_model"])


def twins(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """PRM-Math and PRM-Code of table 1, by name (several: seeds); empty where the study has no such pair.

    Those whose `role` says so; else the largest base trained on math and on code with the same labels and steps.
    """
    if "role" in reward_models and {"math", "code"} <= set(reward_models["role"]):
        rows = reward_models
        return {role: sorted(rows.loc[rows["role"] == role, "reward_model"]) for role in ("math", "code")}
    rows = trained(reward_models)
    groups = [g for _, g in rows.groupby(["base", "labels", "steps"]) if {"math", "code"} <= set(g["train_on"])]
    if not groups:
        return {}
    best = max(groups, key=lambda g: (int(g["base_parameters"].iloc[0]), int(g["steps"].iloc[0])))
    return {role: sorted(best.loc[best["train_on"] == role, "reward_model"]) for role in ("math", "code")}


def per_problem(rows: pd.DataFrame) -> pd.Series:
    """Accuracy by problem_id, seeds averaged."""
    return rows.groupby("problem_id")["correct"].mean()


def with_checkpoints(search: pd.DataFrame, reward_models: pd.DataFrame) -> pd.DataFrame:
    """Those reward models that the search table measures at several training steps, smallest first."""
    steps = search[search["reward_model"] != ""].groupby("reward_model")["training_step"].nunique()
    several = steps.index[steps > 1]
    rows = reward_models[reward_models["reward_model"].isin(several)]
    return rows.sort_values(["base_parameters", "train_on", "labels", "reward_model"])


def kinds(reward_models: pd.DataFrame) -> pd.Series:
    """What to call each reward model in a legend, by name: of its facts those that differ; alike for seeds."""
    facts = {
        "base": "from " + reward_models["base"],
        "train_on": "trained on " + reward_models["train_on"].replace("both", "math and code"),
        "labels": reward_models["labels"].str.replace("monte_carlo", "Monte-Carlo") + " labels",
        "steps": reward_models["steps"].astype(str) + " steps",
    }
    differing = [text for column, text in facts.items() if reward_models[column].nunique() > 1] or [facts["base"]]
    texts = [", ".join(parts) for parts in zip(*differing, strict=True)]
    return pd.Series(texts, index=reward_models["reward_model"])
