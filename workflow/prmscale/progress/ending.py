"""What a run ends with: the verdict on each claim, where to read on, and the time of each stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase

import pandas as pd

from prmscale import stages
from prmscale.claims import CLAIMS
from prmscale.progress.display import format_seconds

READ_ON = {
    "claims.md": "what was measured for each claim",
    "explorer.html": "problems, solutions, scores and trees",
    "figures": "figures",
    "tables": "tables",
    "report.html": "all of it as one page",
}
WIDTH = 1 + max(map(len, READ_ON))


def summarise(results: Path) -> Iterator[str]:
    """Lines: verdicts by claim and data set, paths, and seconds of jobs by rule."""
    claims = results / "tables/claims.csv"
    if claims.is_file():
        yield "Verdicts on the claims:"
        yield from _tell_verdicts(pd.read_csv(claims))
    yield "Read on in:"
    for name, content in READ_ON.items():
        if (results / name).exists():
            yield f"  {results / name!s:{WIDTH + len(str(results))}}  {content}"
    spent = stages.table(results)
    if len(spent):
        yield f"Time of all jobs, {format_seconds(spent.seconds.sum())}, by rule:"
        yield from (f"  {line}" for line in spent.to_string(index=False).splitlines())


def _tell_verdicts(claims: pd.DataFrame) -> Iterator[str]:
    """One line a claim: its letter, its name, and the verdict of its headline on each data set."""
    headlines = claims[claims.headline]
    for letter, module in zip(ascii_lowercase, CLAIMS, strict=False):
        judged = headlines[headlines.claim == module.NAME]
        verdicts = [
            row.verdict if pd.isna(row.dataset) else f"{row.verdict} ({row.dataset})"
            for row in judged.itertuples()
        ]
        yield f"  ({letter}) {module.NAME:26} {', '.join(verdicts) or 'not judged'}"
