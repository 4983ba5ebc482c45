"""How time and memory of every job grow with the number of problems.

`python benchmarks/growth.py replicated 1 10 100` (what it does without arguments) runs the smoke
study, copies the rows of all its tables under new problem_ids, and runs the jobs after the models
on the copies. `models` runs one job of each kind that runs a model on them, in shards of one size.
`python benchmarks/growth.py generated 1 10` runs the whole smoke study with as many times its
problems. Each job's log tells what it used. `--keep FOLDER` keeps the studies;
`--study FOLDER` copies the rows of one that was kept (its `generated1`).

A job's time is `once + each · problems`. The exponent is that of the part above the smallest study,
so that the import of libraries does not hide it: 1 is linear, 2 quadratic; `flat` grew by less than
a second, or by less than 10 MB.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).parents[1]
SMOKE = ROOT / "workflow/studies/smoke.yaml"
# the jobs after the models
TABLE_RULES = (
    *("search_unscored", "check_contamination", "compare_patterns", "summarise_labels"),
    *("summarise_replies", "summarise_training_sets", "draw_figure", "judge_claims"),
    *("draw_explorer", "write_data_card"),
)
# a file of one job of each kind that runs a model
MODEL_FILES = {
    "sample_solutions": "solutions/m/arithmetic.labelling.parquet",
    "label_solutions": "labels/m/arithmetic.monte_carlo.parquet",
    "label_by_tree": "labels/m/programs.omega.parquet",
    "search": "search/both-s.parquet",
    "score_steps": "scores/math-m.parquet",
    "rank_by_likelihood": "search/likelihood/m.parquet",
    "search_trees": "search/trees/both-m/m/arithmetic.parquet",
}
USED = re.compile(r"Used ([\d.]+) s of a core and at most (\d+) MB")
FEWEST_SECONDS, FEWEST_MB = 1.0, 10.0


class Usage(NamedTuple):
    """What a job used: seconds of a core, and the most main memory in MB."""

    seconds: float
    megabytes: float


def describe_study(factor: int) -> dict[str, object]:
    """The overlay over the smoke study with this many times its problems."""
    datasets = yaml.safe_load(SMOKE.read_text())["datasets"]
    for each in datasets:
        each |= {split: each[split] * factor for split in ("train", "validation", "test")}
    shards = {"shards": 2 * factor}  # of as many problems as with a factor of 1
    return {"datasets": datasets, "labels": shards, "search": {"tree": shards}}


def run(folder: Path, *arguments: str) -> Usage:
    """Run Snakemake on the study of a folder; what its own process used."""
    command = [
        *(sys.executable, "-m", "snakemake", "--cores", "1", "--directory", str(folder)),
        *("--snakefile", str(ROOT / "Snakefile"), *arguments, "--rerun-triggers", "mtime"),
        *("--configfile", str(SMOKE), str(folder / "overlay.yaml")),
    ]
    with (folder / "run.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{folder}/run.log says why Snakemake failed")
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def generate(folder: Path, factor: int) -> dict[str, Usage]:
    """Run the whole study with this many times its problems; what each job used."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overlay.yaml").write_text(yaml.safe_dump(describe_study(factor)))
    run(folder)
    return read_usage(folder / "results/smoke/logs")


def replicate(study: Path, folder: Path, factor: int) -> None:
    """A study in `folder` whose tables have the rows of another `factor` times."""
    for path in sorted(p for p in (study / "results/smoke").rglob("*") if p.is_file()):
        target = folder / path.relative_to(study)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet" and "problem_id" in pq.read_schema(path).names:
            copy_rows(pd.read_parquet(path), factor).to_parquet(target, index=False)
        elif path.suffix != ".log":
            target.write_bytes(path.read_bytes())
        if target.exists():  # in the order of the study's jobs, so that none is out of date
            os.utime(target, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    (folder / "overlay.yaml").write_text(yaml.safe_dump(describe_study(factor)))


def run_again(folder: Path, kind: str) -> dict[str, Usage]:
    """Run the jobs after the models, or those of the models; what each used."""
    if kind == "models":
        files = [f"results/smoke/{file}" for file in MODEL_FILES.values()]
        run(folder, *files, "--allowed-rules", *MODEL_FILES, "--forcerun", *MODEL_FILES)
    else:
        run(folder, "--forcerun", *TABLE_RULES)
    return read_usage(folder / "results/smoke/logs")


def copy_rows(table: pd.DataFrame, factor: int) -> pd.DataFrame:
    """The rows `factor` times, each time of other problems."""
    copies = [table.assign(problem_id=table["problem_id"] + f"x{n}") for n in range(1, factor)]
    return pd.concat([table, *copies], ignore_index=True)


def read_usage(logs: Path) -> dict[str, Usage]:
    """What each job used, by its name, from the last line of its log."""
    found = {}
    for path in sorted(logs.rglob("*.log")):
        if told := USED.findall(path.read_text()):
            name = " ".join(path.relative_to(logs).with_suffix("").parts)
            found[name] = Usage(*map(float, told[-1]))
    return found


def find_exponent(factors: Sequence[int], values: Sequence[float], fewest: float) -> str:
    """The power of growth between the two largest studies, of what exceeds the smallest."""
    more = values[-1] - values[0]
    if len(factors) < 3 or more < fewest:
        return "flat" if more < fewest else ""
    less = max(values[-2] - values[0], fewest / 10)
    below, above = factors[-2] - factors[0], factors[-1] - factors[0]
    return f"{math.log(more / less) / math.log(above / below):.2f}"


def tabulate(used: Mapping[int, Mapping[str, Usage]]) -> Iterator[str]:
    """A row for each job: seconds and MB by factor, and their exponents."""
    factors = sorted(used)
    heads = [f"s ×{n} | MB ×{n}" for n in factors]
    yield " | ".join(["| job", *heads, "exponent of s | of MB |"])
    for job in used[factors[0]]:
        jobs = [used[n].get(job, Usage(math.nan, math.nan)) for n in factors]
        cells = [f"{each.seconds:.1f} | {each.megabytes:.0f}" for each in jobs]
        exponents = [
            find_exponent(factors, [each[place] for each in jobs], fewest)
            for place, fewest in enumerate((FEWEST_SECONDS, FEWEST_MB))
        ]
        yield " | ".join([f"| {job}", *cells, *exponents]) + " |"


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="Time and memory of jobs by number of problems.")
    parser.add_argument(
        "kind", nargs="?", choices=["replicated", "models", "generated"], default="replicated"
    )
    parser.add_argument("factors", nargs="*", type=int, default=[1, 10, 100])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--study", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        folder = (options.keep or Path(aside)).resolve()
        used = {}
        if options.kind != "generated" and not options.study:
            options.study = folder / "generated1"
            generate(options.study, 1)
        for factor in options.factors:
            place = folder / f"{options.kind}{factor}"
            if options.kind == "generated":
                used[factor] = generate(place, factor)
            else:
                replicate(options.study, place, factor)
                used[factor] = run_again(place, options.kind)
            used[factor]["`snakemake -n`"] = run(place, "--dry-run", "--forceall")
        print(*tabulate(used), sep="\n")


if __name__ == "__main__":
    main()
