"""Wall time and memory of each stage of a finished study, from the benchmarks its jobs left."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd


def table(results: str | Path) -> pd.DataFrame:
    """One row a rule: jobs, seconds in all and of the longest job, peak memory of a job in MiB."""
    rows = []
    for path in sorted(Path(results, "benchmarks").rglob("*.tsv")):
        measured = pd.read_csv(path, sep="\t", na_values="-")
        rule, _, _ = read_name(path, results)
        rows.append(
            {"stage": rule, "seconds": measured.s.sum(), "memory_mib": measured.max_rss.max()}
        )
    if not rows:
        return pd.DataFrame(columns=["stage", "jobs", "seconds", "longest", "memory_mib"])
    grouped = pd.DataFrame(rows).groupby("stage")
    out = pd.DataFrame(
        {
            "jobs": grouped.size(),
            "seconds": grouped.seconds.sum(),
            "longest": grouped.seconds.max(),
            "memory_mib": grouped.memory_mib.max(),
        }
    )
    return out.sort_values("seconds", ascending=False).round(0).reset_index()


def read_name(benchmark: str | Path, results: str | Path) -> tuple[str, str, int]:
    """The rule and the name of a job, from its benchmark file in the results of a study, and how
    many jobs share its table.
    """
    place = Path(benchmark).relative_to(Path(results, "benchmarks"))
    rule, _, name = str(place.with_suffix("")).partition("/")
    shared = re.search(r"\.\d+of(\d+)$", name)
    return (rule, name[: shared.start()], int(shared[1])) if shared else (rule, name, 1)
