"""Write the results in README.md and docs/ from the tables of the runs in docs/ (`make docs`).

A passage stands between `<!-- results: NAME STUDY -->` and `<!-- end of results -->`; nothing in it
is written by hand. `make test` compares every passage with the tables of `docs/STUDY/`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

HERE = Path(__file__).resolve().parent
FILES = (HERE.parent / "README.md", HERE / "results.md", HERE / "recipe.md")
PASSAGE = re.compile(r"(<!-- results: (\w+) (\w+) -->\n).*?(<!-- end of results -->)", re.DOTALL)
METHODS = {
    "monte_carlo": "fixed K = {k}",
    "adaptive": "adaptive",
    "binary_search": "binary search",
    "omega": "OmegaPRM's tree (its own rollouts)",
    "progress": "relative progress of K = {k}",
    "advantage": "advantage under another prover, K = {k}",
    "denoised": "denoised K = {k}",
}

LEVELS = {"math_to_code": 0.90}  # of the intervals of a headline contrast, where they are not 0.95


def write(text: str, folder: Path = HERE) -> str:
    """The text with every passage written again from the tables under `folder`."""

    def replace(found: re.Match[str]) -> str:
        start, name, study, end = found.groups()
        lines = PASSAGES[name](folder / study)
        return start + "\n".join(lines) + "\n" + end

    return PASSAGE.sub(replace, text)


def selections(study: Path) -> Iterator[str]:
    """Every way of choosing among the samples, by data set."""
    table = pd.read_csv(study / "controls.csv")
    policy = table["policy"].iloc[0]
    choices = table[table["policy"] == policy]
    datasets = list(dict.fromkeys(choices["dataset"]))
    budget = choices["budget"].max()
    heads = " | ".join(_with_problems(choices, datasets))
    yield f"| selection among {budget} samples of `{policy}` | {heads} |"
    yield "|---|" + "---|" * len(datasets)
    for name in dict.fromkeys(choices["selection"]):
        rows = choices[choices["selection"] == name].set_index("dataset")
        cells = [
            _percent(rows.loc[dataset]) if dataset in rows.index else "–" for dataset in datasets
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def answers(study: Path) -> Iterator[str]:
    """The lines that `claims.md` opens with."""
    lines = (study / "claims.md").read_text(encoding="utf-8").splitlines()
    yield from (line for line in lines[: lines.index("", 2)] if line.startswith("|"))


def speeds(folder: Path) -> Iterator[str]:
    """The ratios that `make bench` has put on record in `benchmarks/`."""
    table = pd.read_csv(HERE.parent / folder.name / "ratios.csv")
    yield f"| on {table['machine'].iloc[0]} ({table['date'].iloc[0]}) | beside | measured |"
    yield "|---|---|---|"
    for row in table.itertuples():
        share = row.unit == "share"
        cell = f"{100 * row.recorded:.0f} %" if share else f"{row.recorded:.1f} times"
        yield f"| {row.what} | {row.against} | {cell} |"


def verifies(study: Path) -> Iterator[str]:
    """The gain of the largest PRM over each control."""
    checks = pd.read_csv(study / "checks.csv")
    at_least = checks["comparison"].str.contains("at least")
    gains = checks[(checks["section"] == "verifies") & ~at_least]
    yield "| in points | " + " | ".join(dict.fromkeys(gains["dataset"])) + " |"
    yield "|---|" + "---|" * gains["dataset"].nunique()
    # the best likelihood control may differ between data sets
    control = r" \(likelihood.*?\)| \(self-certainty\)"
    kinds = gains["comparison"].str.replace(control, "", regex=True)
    for kind, rows in gains.groupby(kinds, sort=False):
        yield f"| {kind} | {' | '.join(_points(row) for _, row in rows.iterrows())} |"


def labels(study: Path) -> Iterator[str]:
    """The cost of each method of labelling, and the quality of its labels."""
    table = pd.read_csv(study / "label_costs.csv")
    table = table[(table["method"] != "monte_carlo") | (table["k"] >= table["against_k"] / 2)]
    datasets = list(dict.fromkeys(table["dataset"]))
    most = int(table["against_k"].max())
    columns = ("tokens", "labelled, %", "steps right, %", "first errors placed, %")
    yield f"| at most {most} rollouts ({', '.join(datasets)}) | {' | '.join(columns)} |"
    yield "|---|---|---|---|---|"
    order = sorted(
        table.groupby(["method", "k"]).groups,
        key=lambda key: (list(METHODS).index(key[0]), -key[1]),
    )
    for method, k in order:
        rows = (
            table[(table["method"] == method) & (table["k"] == k)]
            .set_index("dataset")
            .loc[datasets]
        )
        cells = (
            [_ratio(row) for _, row in rows.iterrows()],
            [f"{100 * value:.0f}" for value in rows["solutions_labelled"]],
            [f"{100 * value:.0f}" for value in rows["accuracy"]],
            [f"{100 * value:.0f}" for value in rows["first_error"]],
        )
        yield f"| {METHODS[method].format(k=k)} | {' | '.join(', '.join(each) for each in cells)} |"


def bases(study: Path) -> Iterator[str]:
    """Accuracy by the size and the pre-training of a PRM's base."""
    table = pd.read_csv(study / "fig7.csv")
    points = table[table["part"] == "accuracy along pre-training"]
    budgets = sorted(points["base_tokens"].dropna().unique())
    yield f"| base | {' | '.join(f'{tokens / 1e6:.1f}M tokens' for tokens in budgets)} |"
    yield "|---|" + "---|" * len(budgets)
    for size, rows in points.groupby("base_parameters"):
        cells = []
        for tokens in budgets:
            found = rows[rows["base_tokens"] == tokens]
            cells.append(" / ".join(_percent(row) for _, row in found.iterrows()) or "–")
        yield f"| {size / 1e3:.0f}k | {' | '.join(cells)} |"


def seeds(study: Path) -> Iterator[str]:
    """The effect and verdict of each headline contrast by the seed of the study, and the effect of
    all seeds together: `claims.csv` is of seed 1, `seeds/N.csv` of seed N.
    """
    paths = {1: study / "claims.csv"}
    paths |= {int(path.stem): path for path in sorted((study / "seeds").glob("*.csv"))}
    tables = {seed: _read_headlines(path) for seed, path in paths.items()}
    # contrasts that every seed measured
    first = tables[1]
    for table in tables.values():
        first = first[first.index.isin(table.index)]
    yield f"| headline contrast | {' | '.join(f'seed {seed}' for seed in tables)} | together |"
    yield "|---|" + "---|" * (len(tables) + 1)
    agree = 0
    for place in first.index:
        rows = [table.loc[place] for table in tables.values()]
        cells = [f"{_points(row, 1)} {row['verdict']}" for row in rows]
        agree += len({row["verdict"] for row in rows}) == 1
        claim, dataset = place
        cells.append(_points(_pool(rows, LEVELS.get(claim, 0.95)), 1))
        yield f"| {claim.replace('_', ' ')}, {dataset} | {' | '.join(cells)} |"
    yield f"| same verdict | {agree} of {len(first)} |" + " |" * len(tables)


PASSAGES: dict[str, Callable[[Path], Iterator[str]]] = {
    "selections": selections,
    "answers": answers,
    "verifies": verifies,
    "labels": labels,
    "bases": bases,
    "seeds": seeds,
    "speeds": speeds,
}


def _pool(rows: Sequence[pd.Series], level: float) -> pd.Series:
    """The mean effect of independent studies by inverse variance, with its interval.

    A study's standard error is taken from its interval as if that were normal: too large, because
    the interval counts few trainings and bases.
    """
    z = norm.ppf((1 + level) / 2)
    weights = np.array([((row["high"] - row["low"]) / 2 / z) ** -2 for row in rows])
    effect = float(np.average([row["effect"] for row in rows], weights=weights))
    reach = z * weights.sum() ** -0.5
    return pd.Series({"effect": effect, "low": effect - reach, "high": effect + reach})


def _read_headlines(path: Path) -> pd.DataFrame:
    claims = pd.read_csv(path)
    return claims[claims["headline"]].set_index(["claim", "dataset"])


def _with_problems(rows: pd.DataFrame, datasets: list[str]) -> list[str]:
    problems = rows.groupby("dataset")["n"].max()
    return [f"{dataset} ({problems[dataset]})" for dataset in datasets]


def _percent(row: pd.Series) -> str:
    return f"{100 * row['mean']:.1f} [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"


def _points(row: pd.Series, digits: int = 0) -> str:
    effect, low, high = (f"{100 * row[key]:+.{digits}f}" for key in ("effect", "low", "high"))
    return f"{effect} [{low}, {high}]".replace("-", "−")


def _ratio(row: pd.Series) -> str:
    if row["method"] == "monte_carlo":
        return f"{row['tokens_ratio']:.2f}"
    return (
        f"{row['tokens_ratio']:.2f} [{row['tokens_ratio_low']:.2f}, {row['tokens_ratio_high']:.2f}]"
    )


if __name__ == "__main__":
    for path in FILES:
        before = path.read_text(encoding="utf-8")
        after = write(before)
        path.write_text(after, encoding="utf-8")
        print(f"{path.name}: {'written' if after != before else 'unchanged'}", file=sys.stderr)
