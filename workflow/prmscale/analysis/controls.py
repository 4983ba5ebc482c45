"""Every way of picking one of n solutions, in one order: controls that know nothing of labels,
PRMs, the oracle.

The figure `controls` and the checks in claims.md use the same rows and names.
"""

from __future__ import annotations

from collections.abc import Iterator

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

CONTROL, PRM, BOUND = "control", "PRM", "bound"
PARTS = ("sum", "mean", "min")  # of token log-probabilities
ONE, RANDOM, MAJORITY, CERTAINTY = "one sample", "random choice", "majority vote", "self-certainty"
UNTRAINED, SHUFFLED = "untrained PRM", "PRM, shuffled labels"
SMALLEST, LARGEST, ORACLE = "smallest PRM", "largest PRM", "oracle (pass@n)"


def selections(rows: pd.DataFrame, reward_models: pd.DataFrame) -> pd.DataFrame:
    """The rows (of one budget, beside one sample) with the columns `selection`, `group` and `place`
    in the order.

    What was not measured is left out; a reward model that is two things at once stands under the
    first.
    """
    parts = []
    for place, (name, group, chosen) in enumerate(_rows(rows, reward_models)):
        parts.append(rows[chosen].assign(selection=name, group=group, place=place))
    found = pd.concat(parts)
    return found[~found.index.duplicated()]


def likelihoods(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of every control that ranks by a language model's own probabilities, with the column
    `selection`.
    """
    certain = rows[rows["strategy"] == "self_certainty"]
    policy = rows[rows["strategy"] == "likelihood"]
    base = rows[rows["strategy"] == "base_likelihood"]
    return pd.concat(
        [
            certain.assign(selection=CERTAINTY),
            policy.assign(selection="likelihood of the policy, " + policy["aggregation"]),
            base.assign(
                selection="likelihood of " + base["reward_model"] + ", " + base["aggregation"]
            ),
        ]
    )


def largest_base(rows: pd.DataFrame, reward_models: pd.DataFrame) -> str:
    """The largest language model whose likelihood was measured, by what PRMs know of it; '' where
    none was.
    """
    names = sorted(set(rows.loc[rows["strategy"] == "base_likelihood", "reward_model"]))
    known = (
        reward_models.drop_duplicates("base")
        .set_index("base")[["base_parameters", "base_tokens"]]
        .fillna(0)
    )
    return max(
        names,
        key=lambda name: tuple(known.loc[name]) if name in known.index else (0.0, 0.0),
        default="",
    )


def _rows(rows: pd.DataFrame, reward_models: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    """Name, group and rows of each selection, in order."""
    strategy, model = rows["strategy"], rows["reward_model"]
    scored = strategy == "best_of_n"
    for name, key in ((ONE, "one_sample"), (RANDOM, "random"), (MAJORITY, "majority")):
        yield name, CONTROL, strategy == key
    for part in PARTS:
        yield (
            f"likelihood of the policy, {part}",
            CONTROL,
            (strategy == "likelihood") & (rows["aggregation"] == part),
        )
    base = largest_base(rows, reward_models)
    ranked = (strategy == "base_likelihood") & (model == base)
    for part in PARTS:
        yield f"likelihood of {base}, {part}", CONTROL, ranked & (rows["aggregation"] == part)
    yield CERTAINTY, CONTROL, strategy == "self_certainty"
    for name, names in control_models(reward_models).items():
        yield name, CONTROL, scored & model.isin(names)
    for name, names in prms(reward_models).items():
        yield name, PRM, scored & model.isin(names)
    yield ORACLE, BOUND, strategy == "oracle"


def control_models(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """The reward models that are controls, of the largest base: untrained, and trained on shuffled
    labels.
    """
    return {
        name: list(keep_largest(reward_models[is_marked(reward_models, mark)])["reward_model"])
        for name, mark in ((UNTRAINED, "untrained"), (SHUFFLED, "shuffled"))
    }


def prms(reward_models: pd.DataFrame) -> dict[str, list[str]]:
    """The PRMs to show: ends of the ladder, other heads, trained on true labels, released ones."""
    ladder = find_ladder(reward_models)
    largest = find_headline(reward_models)
    found = {}
    if ladder["base_parameters"].nunique() > 1:
        smallest = ladder[ladder["base_parameters"] == ladder["base_parameters"].min()]
        found[f"{SMALLEST} ({smallest['base'].iloc[0]})"] = list(smallest["reward_model"])
    if len(largest):
        found[f"{LARGEST} ({largest['base'].iloc[0]})"] = list(largest["reward_model"])
    for (head, weight), own in find_heads(reward_models).groupby(["head", "ranking_weight"]):
        name = f"PRM, {name_head(str(head), float(weight))} ({own['base'].iloc[0]})"
        if not set(own["reward_model"]) <= {each for names in found.values() for each in names}:
            found[name] = list(own["reward_model"])
    plain = ladder[["head", "ranking_weight"]].drop_duplicates()
    sets = keep_trained(reward_models).merge(plain)
    true = keep_largest(sets[sets["labels"] == "oracle"])
    if len(true):
        found[f"PRM, true labels ({true['base'].iloc[0]})"] = list(true["reward_model"])
    for name in reward_models.loc[is_marked(reward_models, "released"), "reward_model"]:
        found[f"{name} (released)"] = [name]
    return found
