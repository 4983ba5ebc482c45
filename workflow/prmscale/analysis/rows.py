"""Which rows of the search table a figure or a claim compares, and accuracies by problem.

Figures and claims choose their rows here, so that a figure and the claim it illustrates never show
different searches.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from prmscale.errors import UserError

# an outcome reward model (ORM) was trained to score whole solutions, at their last step
OF_OUTCOME = "last"


def keep_first_policy(search: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table's first policy; figures and claims about PRMs hold the policy fixed."""
    return search[search["policy"] == search["policy"].iloc[0]] if len(search) else search


def keep_scored(search: pd.DataFrame) -> pd.DataFrame:
    """The rows that a reward model scored.

    In rows of `base_likelihood` the column `reward_model` names a language model instead.
    """
    return search[_is_scored(search)]


def _is_scored(search: pd.DataFrame) -> pd.Series:
    return (search["reward_model"] != "") & (search["strategy"] != "base_likelihood")


def has_other_aggregation(search: pd.DataFrame, aggregation: str) -> pd.Series:
    """Which rows use another aggregation of step scores, though their strategy has this one too."""
    scored = _is_scored(search)
    this = search["aggregation"] == aggregation
    strategies = search.loc[scored & this, "strategy"].unique()
    return scored & ~this & search["strategy"].isin(strategies)


def keep_final(search: pd.DataFrame) -> pd.DataFrame:
    """The rows of fully trained reward models, and those without a reward model."""
    scored = keep_scored(search)
    last = scored.groupby("reward_model")["training_step"].transform("max")
    return search.drop(index=scored.index[scored["training_step"] < last])


def keep_best_of_n(
    search: pd.DataFrame, reward_models: Iterable[str], aggregation: str
) -> pd.DataFrame:
    """The rows of best-of-n by these reward models; raises UserError if there are none."""
    names = list(dict.fromkeys(reward_models))
    scored = search[search["strategy"] == "best_of_n"]
    rows = scored[scored["reward_model"].isin(names) & (scored["aggregation"] == aggregation)]
    if rows.empty:
        pairs = zip(scored["reward_model"], scored["aggregation"], strict=True)
        held = sorted({f"{model} by {how}" for model, how in pairs})
        raise UserError(
            f"no best_of_n rows of the reward models {', '.join(names)} with aggregation "
            f"{aggregation!r} in the search table; it holds "
            f"{', '.join(held) or 'no best_of_n rows at all'}"
        )
    return rows


def is_by_outcome(search: pd.DataFrame, reward_models: Iterable[str]) -> pd.Series:
    """Which rows are of best-of-n by these reward models' scores of the last step, the only ones
    that tell what an ORM has learnt.
    """
    chosen = search["reward_model"].isin(list(reward_models))
    by_last = search["aggregation"] == OF_OUTCOME
    return (search["strategy"] == "best_of_n") & chosen & by_last


def keep_controls(
    search: pd.DataFrame, strategies: Iterable[str], budgets: Iterable[int] | None = None
) -> pd.DataFrame:
    """The rows of these strategies without a reward model, at these budgets (None: all).

    Rows of one_sample, whose only budget is 1, are always kept. Of the policy's likelihood only the
    likelihood of the whole text (the sum over tokens) is.
    """
    rows = search[search["strategy"].isin(list(strategies)) & (search["reward_model"] == "")]
    rows = rows[(rows["strategy"] != "likelihood") | (rows["aggregation"] == "sum")]
    if budgets is None:
        return rows
    return rows[rows["budget"].isin(list(budgets)) | (rows["strategy"] == "one_sample")]


def average_per_problem(rows: pd.DataFrame, value: str = "correct") -> pd.DataFrame:
    """Accuracy, or the mean of another column, by problem_id (rows) and training seed (columns)."""
    return rows.groupby(["problem_id", "replicate"])[value].mean().unstack("replicate")


def subtract(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """The difference of two tables of `average_per_problem` on their common problems.

    Where both have several seeds, equal seeds are paired; a table with one column is subtracted
    from each seed of the other.
    """
    if a.empty or b.empty:
        return pd.DataFrame()
    if a.shape[1] > 1 and b.shape[1] > 1:
        shared = a.columns.intersection(b.columns)
        if len(shared):
            return (a[shared] - b[shared]).dropna(how="all")
    wide, one, sign = (a, b, 1) if b.shape[1] == 1 else (b, a, -1)
    return (sign * wide.sub(one.mean(axis=1), axis=0)).dropna(how="all")
