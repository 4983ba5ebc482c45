"""Wall time and memory of each stage of a finished study, from the benchmarks its jobs left."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def table(results: str | Path) -> pd.DataFrame:
    """One row a rule: jobs, seconds in all and of the longest job, peak memory of a job in MiB."""
    rows = []
    for path in sorted(Path(results, "benchmarks").rglob("*.tsv")):
        measured = pd.read_csv(path, sep="\t", na_values="-")
        rule = path.relative_to(Path(results, "benchmarks")).parts[0].removesuffix(".tsv")
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
