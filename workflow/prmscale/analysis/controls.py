"""Every way of picking one of n solutions, in one order: controls that do not know the labels,
PRMs, and the oracle.

The figure `controls` and the checks of `claims.md` share these rows and names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import pandas as pd

from prmscale.analysis.models import (
    find_headline,
    find_heads,
    find_ladder,
    is_marked,
    keep_largest,
    keep_trained,
    name_head,
)
from prmscale.search.self_certainty_vote import EXPONENTS

CONTROL, PRM, BOUND = "control", "PRM", "bound"
PARTS = ("sum", "mean", "min")  # of token log-probabilities
ONE, RANDOM, MAJORITY, CERTAINTY = "one sample", "random choice", "majority vote", "self-certainty"
VISIBLE = "passes the visible tests"
UNTRAINED, SHUFFLED = "untrained PRM", "PRM, shuffled labels"
SMALLEST, LARGEST, ORACLE = "smallest PRM", "largest PRM", "oracle (pass@n)"


def list_selections(rows: pd.DataFrame, reward_models: pd.DataFrame) -> pd.DataFrame:
    """The rows (of one budget, and of one sample) with the columns `selection`, `group` and
    `place`, the place in the order.

    What was not measured is left out; a row that belongs to two selections is listed under the
    first.
    """
    parts = []
    for place, (name, group, chosen) in enumerate(_iter_selections(rows, reward_models)):
        parts.append(rows[chosen].assign(selection=name, group=group, place=place))
    found = pd.concat(parts)
    return found[~found.index.duplicated()]


def list_likelihoods(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of every control that ranks by a language model's probabilities, with the column
    `selection`.
    """
    certain = rows[rows["strategy"] == "self_certainty"]
    policy = rows[rows["strategy"] == "likelihood"]
    base = rows[rows["strategy"] == "base_likelihood"]
    of_base = "likelihood of " + base["reward_model"] + ", " + base["aggregation"]
    parts = [
        certain.assign(selection=CERTAINTY),
        policy.assign(selection="likelihood of the policy, " + policy["aggregation"]),
        base.assign(selection=of_base),
    ]
    return pd.concat(parts)


def find_largest_base(rows: pd.DataFrame, reward_models: pd.DataFrame) -> str:
    """The largest language model whose likelihood was measured; '' where none was.

    Sizes are known of the bases of reward models alone.
    """
    names = sorted(set(rows.loc[rows["strategy"] == "base_likelihood", "reward_model"]))
    bases = reward_models.drop_duplicates("base").set_index("base")
    sizes = bases[["base_parameters", "base_tokens"]].fillna(0)
    known = {name: tuple(sizes.loc[name]) for name in names if name in sizes.index}
    return max(names, key=lambda name: known.get(name, (0.0, 0.0)), default="")


def _iter_selections(
    rows: pd.DataFrame, reward_models: pd.DataFrame
) -> Iterator[tuple[str, str, pd.Series]]:
    """Name, group and rows of each selection, in order."""
    strategy, model = rows["strategy"], rows["reward_model"]
    scored = strategy == "best_of_n"
    for name, key in (
        (ONE, "one_sample"),
        (RANDOM, "random"),
        (VISIBLE, "visible_tests"),
        (MAJORITY, "majority"),
    ):
        yield name, CONTROL, strategy == key
    for part in PARTS:
        by_policy = (strategy == "likelihood") & (rows["aggregation"] == part)
        yield f"likelihood of the policy, {part}", CONTROL, by_policy
    base = find_largest_base(rows, reward_models)
    ranked = (strategy == "base_likelihood") & (model == base)
    for part in PARTS:
        yield f"likelihood of {base}, {part}", CONTROL, ranked & (rows["aggregation"] == part)
    yield CERTAINTY, CONTROL, strategy == "self_certainty"
    votes = strategy == "self_certainty_vote"
    for name, exponent in EXPONENTS.items():
        of_votes = votes & (rows["aggregation"] == name)
        yield f"self-certainty vote, p = {exponent:g}", CONTROL, of_votes
    for name, names in find_controls(reward_models).items():
        yield name, CONTROL, scored & model.isin(names)
    for name, names in find_prms(reward_models).items():
        yield name, PRM, scored & model.isin(names)
    yield ORACLE, BOUND, strategy == "oracle"


def find_controls(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """The reward models that are controls, of the largest base: untrained, and trained on shuffled
    labels.
    """
    found = {}
    for name, mark in ((UNTRAINED, "untrained"), (SHUFFLED, "shuffled")):
        largest = keep_largest(reward_models[is_marked(reward_models, mark)])
        found[name] = list(largest["reward_model"])
    return found


def find_prms(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """The PRMs to show: ends of the ladder, other heads, trained on true labels, released ones and
    verifiers.
    """
    ladder = find_ladder(reward_models)
    largest = find_headline(reward_models)
    found: dict[str, list[str]] = {}
    if ladder["base_parameters"].nunique() > 1:
        smallest = ladder[ladder["base_parameters"] == ladder["base_parameters"].min()]
        found[f"{SMALLEST} ({smallest['base'].iloc[0]})"] = list(smallest["reward_model"])
    if len(largest):
        found[f"{LARGEST} ({largest['base'].iloc[0]})"] = list(largest["reward_model"])
    for (head, weight), same in find_heads(reward_models).groupby(["head", "ranking_weight"]):
        name = f"PRM, {name_head(str(head), float(weight))} ({same['base'].iloc[0]})"
        shown = chain.from_iterable(found.values())
        if not set(same["reward_model"]) <= set(shown):
            found[name] = list(same["reward_model"])
    plain = ladder[["head", "ranking_weight"]].drop_duplicates()
    sets = keep_trained(reward_models).merge(plain)
    true = keep_largest(sets[sets["labels"] == "oracle"])
    if len(true):
        found[f"PRM, true labels ({true['base'].iloc[0]})"] = list(true["reward_model"])
    for row in reward_models[is_marked(reward_models, "released")].itertuples():
        found[f"{row.reward_model} ({row.labels})"] = [str(row.reward_model)]  # or (verifier)
    return found
