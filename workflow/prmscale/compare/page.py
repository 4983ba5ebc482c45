"""The page of a comparison: one file without scripts, which needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from prmscale.claims.cells import format_accuracy, format_difference
from prmscale.compare import claims, differences
from prmscale.compare.claims import compare_claims
from prmscale.compare.differences import ACCURACY, COST, QUALITY, TIME, compare_numbers
from prmscale.compare.studies import Finished, compare_configurations, find_common, has_same_samples

PARTS = {
    ACCURACY: "Accuracy",
    QUALITY: "Reward models",
    COST: "Cost of the search",
    TIME: "Time of the jobs",
}
NONE = "–"
BAR = 120  # width of the drawing of an interval


@dataclass(frozen=True)
class Comparison:
    """Studies, the first of which is the reference, and what sets the others apart from it."""

    studies: Sequence[Finished]
    configuration: pd.DataFrame
    claims: pd.DataFrame
    numbers: pd.DataFrame
    shared: pd.DataFrame

    @classmethod
    def of(cls, studies: Sequence[Finished]) -> Comparison:
        """The comparison of each study with the first."""
        first, others = studies[0], studies[1:]
        return cls(
            studies,
            compare_configurations(studies),
            pd.concat([compare_claims(first, other) for other in others], ignore_index=True),
            pd.concat([compare_numbers(first, other) for other in others], ignore_index=True),
            pd.DataFrame([row for other in others for row in _list_shared(first, other)]),
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the names of their files."""
        return {
            "configuration": self.configuration,
            "claims": self.claims,
            "numbers": self.numbers,
        }


def _list_shared(a: Finished, b: Finished) -> Iterator[dict[str, object]]:
    """What the two share of each policy's solutions of each data set that both searched."""
    for policy, dataset in a.tests():
        if (policy, dataset) not in b.tests():
            continue
        same = has_same_samples(a, b, policy, dataset)
        common = len(find_common(a, b, dataset))
        yield {
            **{"study": b.name, "policy": policy, "dataset": dataset},
            "problems": f"{common:,} the same" if common else "others",
            "samples": "the same, byte by byte" if same else "others",
            "pairing": "paired by problem" if common else "not paired",
        }


def summarise(found: Comparison) -> list[str]:
    """The answer in a few sentences, one list item a study and subject."""
    lines = [f"{len(found.configuration)} keys of the configuration differ."]
    for other in found.studies[1:]:
        pair = f"{other.name} against {found.studies[0].name}"
        rows = found.claims[(found.claims["study"] == other.name) & found.claims["headline"]]
        lines.append(f"{pair}, headline verdicts: {_count(rows['agreement'], AGREEMENTS)}.")
        numbers = found.numbers[(found.numbers["study"] == other.name) & found.numbers["headline"]]
        for part in (ACCURACY, QUALITY):
            verdicts = numbers.loc[numbers["part"] == part, "verdict"]
            lines.append(f"{pair}, {PARTS[part].lower()}: {_count(verdicts, VERDICTS)}.")
    return lines


AGREEMENTS = (
    *(claims.AGREE, claims.OPEN, claims.ONE_SIDED, claims.DIFFER, claims.CONTRADICT),
    claims.UNMEASURED,
)
VERDICTS = (differences.HIGHER, differences.LOWER, differences.UNCERTAIN, differences.EQUAL)


def _count(values: pd.Series, names: Sequence[str]) -> str:
    """How many values have each name, of all; names that none has are left out, but for one."""
    counts = values.value_counts()
    parts = [f"{counts[name]} {name}" for name in names if name in counts]
    return f"of {len(values)}, {', '.join(parts)}" if parts else "none in common"


def render(found: Comparison) -> str:
    """The page as HTML; every text of the studies is escaped."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters |= {"p": _format_p, "effect": _format_effect}
    first, others = found.studies[0], found.studies[1:]
    return environment.get_template("page.html").render(
        names=[study.name for study in found.studies],
        reference=first.name,
        level=f"{first.study.analysis.level:.0%}",
        summary=summarise(found),
        configuration=found.configuration.to_numpy().tolist(),
        pairs=[_describe(found, other) for other in others],
    )


def _describe(found: Comparison, other: Finished) -> dict[str, object]:
    """What the page says of one study beside the reference."""
    numbers = found.numbers[found.numbers["study"] == other.name]
    rows = found.claims[found.claims["study"] == other.name]
    shared = found.shared
    parts = []
    for part, title in PARTS.items():
        of_part = numbers[numbers["part"] == part]
        also = of_part[~of_part["headline"]]
        parts.append(
            {
                "title": title,
                "headlines": _write_numbers(of_part[of_part["headline"]]),
                "also": _write_numbers(also),
            }
        )
    return {
        "name": other.name,
        "shared": shared[shared["study"] == other.name].to_dict("records") if len(shared) else [],
        "only": _list_unmatched(found.studies[0], other),
        "headlines": rows[rows["headline"]].to_dict("records"),
        "also": rows[~rows["headline"]].to_dict("records"),
        "parts": parts,
    }


def _list_unmatched(a: Finished, b: Finished) -> list[str]:
    """What one of two studies alone searched, in words."""
    lines = []
    for study, other in ((a, b), (b, a)):
        for column, what in (
            ("dataset", "data sets"),
            ("policy", "policies"),
            ("strategy", "strategies"),
            ("reward_model", "reward models"),
        ):
            names = sorted({*study.search[column]} - {*other.search[column]})
            if names:
                lines.append(f"Only {study.name} has the {what} {', '.join(names)}.")
    return lines


def _write_numbers(rows: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of a table of numbers as texts, with a drawing of each interval."""
    shares = ~rows["part"].isin([COST, TIME])
    ends = rows.loc[shares, ["difference", "difference_low", "difference_high"]].abs()
    largest = float(ends.max(axis=None)) if ends.notna().any(axis=None) else 0.0
    return [_write_row(row, largest) for row in rows.to_dict("records")]


def _write_row(row: dict, largest: float) -> dict[str, object]:
    is_share = row["part"] in (ACCURACY, QUALITY)
    sides = []
    for name in ("reference_", ""):
        value, low, high = row[f"{name}value"], row[f"{name}low"], row[f"{name}high"]
        sides.append(format_accuracy(value, low, high) if is_share else f"{value:,.4g}")
    ends = (row["difference"], row["difference_low"], row["difference_high"])
    difference = NONE
    if not np.isnan(ends[0]):
        difference = format_difference(*ends) if is_share else _format_ratio(row)
    model = " ".join(filter(None, (row["reward_model"], _name_aggregation(row))))
    return {
        **row,
        "sides": sides,
        "change": difference,
        "bar": _draw(ends, largest) if is_share and largest else None,
        "chooser": " by ".join(filter(None, (row["strategy"], model))),
        "at": NONE if pd.isna(row["budget"]) else f"{row['budget']:.0f}",
        "counted": NONE if pd.isna(row["n"]) else f"{row['n']:.0f} × {row['seeds']:.0f}",
    }


def _name_aggregation(row: dict) -> str:
    own = row["aggregation"] in ("", differences.OWN)
    return "" if own else f"({row['aggregation']})"


def _format_ratio(row: dict) -> str:
    """The other study's number in percent of the reference's."""
    if not row["reference_value"]:
        return NONE
    return f"{row['value'] / row['reference_value'] - 1:+.1%}".replace("-", "−")


def _draw(ends: tuple[float, float, float], largest: float) -> dict[str, float] | None:
    """Where a difference and its ends are on a line of BAR from −largest to +largest."""
    if np.isnan(ends).any():
        return None
    at = [round((1 + end / largest) / 2 * BAR, 1) for end in ends]
    return {"width": BAR, "mean": at[0], "low": at[1], "length": round(at[2] - at[1], 1)}


def _format_p(p: float) -> str:
    return NONE if np.isnan(p) else f"{p:.2g}"


def _format_effect(effect: float, low: float, high: float) -> str:
    return NONE if np.isnan(effect) else format_difference(effect, low, high)
