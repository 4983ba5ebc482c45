"""The claims of two studies side by side: verdicts, effects, and whether they agree."""

from __future__ import annotations

from string import ascii_lowercase

import numpy as np
import pandas as pd

from prmscale.analysis.intervals import subtract_ends
from prmscale.analysis.verdicts import EQUIVALENT, INCONCLUSIVE, NOT_MEASURED
from prmscale.claims import CLAIMS
from prmscale.compare.differences import HIGHER, LOWER, UNCERTAIN
from prmscale.compare.studies import Finished

KEYS = ["claim", "contrast", "dataset"]
LETTERS = {module.NAME: f"({letter})" for letter, module in zip(ascii_lowercase, CLAIMS)}  # noqa: B905
SIDE = ["verdict", "effect", "low", "high", "p", "n", "seeds"]
COLUMNS = [
    *("study", "reference", "letter", *KEYS, "metric", "headline"),
    *(f"reference_{name}" for name in SIDE),
    *SIDE,
    *("difference", "difference_low", "difference_high", "effects", "agreement"),
]
AGREE, OPEN, CONTRADICT, ONE_SIDED = "agree", "both leave it open", "contradict", "one decides it"
DIFFER = "differ: one finds an effect, the other one too small to matter"
UNMEASURED = "measured in one"


def compare_claims(reference: Finished, other: Finished) -> pd.DataFrame:
    """Every contrast that either study measured, in the order of the claims: the table of COLUMNS.

    `p` is the smallest of the three of `Evidence`. The difference is that of the effects, other −
    reference, with an interval as wide as for independent studies; `effects` says what it tells.
    """
    first, second = _read(reference), _read(other)
    merged = first.merge(second, on=KEYS, how="outer", sort=False, suffixes=("_first", "_second"))
    rows = []
    for row in merged.to_dict("records"):
        a = {name: row[f"{name}_first"] for name in SIDE}
        b = {name: row[f"{name}_second"] for name in SIDE}
        in_first = isinstance(row["metric_first"], str)
        headline = row["headline_first"] is True or row["headline_second"] is True
        difference = subtract_ends(_ends(b), _ends(a))
        rows.append(
            {
                **{"study": other.name, "reference": reference.name},
                **{key: row[key] for key in KEYS},
                "letter": LETTERS.get(row["claim"], ""),
                "metric": row["metric_first"] if in_first else row["metric_second"],
                "headline": headline,
                **{f"reference_{name}": value for name, value in a.items()},
                **b,
                **dict(zip(COLUMNS[-5:-2], difference, strict=True)),
                "effects": _tell_effects(*difference),
                "agreement": judge_agreement(a["verdict"], b["verdict"]),
            }
        )
    return _sort(pd.DataFrame(rows, columns=COLUMNS))


def judge_agreement(first: object, second: object) -> str:
    """What two verdicts on one contrast say of each other; anything but a text is no verdict."""
    verdicts = {first, second}
    if NOT_MEASURED in verdicts or not all(isinstance(each, str) for each in verdicts):
        return UNMEASURED
    if verdicts == {INCONCLUSIVE}:
        return OPEN
    if len(verdicts) == 1:
        return AGREE
    if INCONCLUSIVE in verdicts:
        return ONE_SIDED
    return DIFFER if EQUIVALENT in verdicts else CONTRADICT


def _read(study: Finished) -> pd.DataFrame:
    claims = study.read_table("claims")
    p = claims[["p_supported", "p_refuted", "p_negligible"]].min(axis=1)
    return claims.assign(p=p)[[*KEYS, "metric", "headline", *SIDE[:4], "p", "n", "seeds"]]


def _ends(side: dict[str, float]) -> tuple[float, float, float]:
    return side["effect"], side["low"], side["high"]


def _tell_effects(difference: float, low: float, high: float) -> str:
    """Whether the interval of a difference excludes 0; empty without one."""
    if np.isnan([difference, low, high]).any():
        return ""
    if low > 0:
        return HIGHER
    return LOWER if high < 0 else UNCERTAIN


def _sort(table: pd.DataFrame) -> pd.DataFrame:
    """In the order of the claims, headlines first."""
    order = pd.DataFrame(
        {
            "claim": table["claim"].map({module.NAME: i for i, module in enumerate(CLAIMS)}),
            "also": ~table["headline"].astype(bool),
            "contrast": table["contrast"],
            "dataset": table["dataset"],
        }
    )
    return table.loc[order.sort_values(list(order.columns)).index].reset_index(drop=True)
