"""Run one study in several ways, and list what differs in its results.

Run as `python tests/determinism.py`, in the pipeline's environment (four runs of the smoke study).
With one core and from another folder all results must have the same bytes. With other shards a
model reads other batches, whose sums are rounded differently: numbers may differ by 1e-4, and
nothing else may. As on a processor without AVX-512 samples may come out otherwise too. The tables
list the columns. Exits with 1 if something differs that must not.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent / "support"))
from pipeline import SMOKE, copy_project, results_content, snakemake

ROUNDING = 1e-4  # the most by which numbers may differ
OTHER_SHARDS = ["--config", "labels={shards: 3, jobs: 2}", "search={tree: {jobs: 2, shards: 3}}"]
WITHOUT_AVX512 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
    "OPENBLAS_CORETYPE": "Haswell",
}


def run_study(folder, *arguments, **environment):
    """The results of the smoke study, run in a folder."""
    folder.mkdir()
    project, variables = copy_project(folder), os.environ | environment
    done = snakemake(project, *arguments, *SMOKE, environment=variables)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "results/smoke"


def compare_columns(one, other):
    """Rows (table, column, compared, differing, largest difference) of tables of two results."""
    for path in sorted(one.rglob("*.parquet")):
        name = path.relative_to(one)
        pair = pd.read_parquet(path), pd.read_parquet(other / name)
        if len(pair[0]) != len(pair[1]):
            yield name, "(rows)", len(pair[0]), abs(len(pair[0]) - len(pair[1])), np.nan
            continue
        for column in pair[0]:
            yield name, column, len(pair[0]), *compare_values(pair[0][column], pair[1][column])


def compare_values(left, right):
    """How many values differ, and by how much at most if they are numbers."""
    same = [repr(a) == repr(b) for a, b in zip(left, right, strict=True)]
    differing = len(same) - sum(same)
    if not differing or not pd.api.types.is_numeric_dtype(left):
        return differing, np.nan
    return differing, float((left.astype(float) - right.astype(float)).abs().max())


def tabulate(one, other):
    """What differs between the tables of two results, by column."""
    heads = ["table", "column", "values", "differing", "largest difference"]
    table = pd.DataFrame(compare_columns(one, other), columns=heads)
    return table[table["differing"] > 0]


def main():
    """Print what differs; exit with 1 if results differ that must not."""
    place = Path(tempfile.mkdtemp())
    first = run_study(place / "first")
    content = results_content(first)
    again = results_content(run_study(place / "elsewhere", "--cores", "1"))
    names = {name for name in {*content, *again} if content.get(name) != again.get(name)}
    print(f"one core, another folder: {len(content)} files, differing: {names or 0}", flush=True)
    shards = tabulate(first, run_study(place / "shards", *OTHER_SHARDS))
    print(f"other shards:\n{shards.to_string(index=False)}", flush=True)
    rounded = shards["largest difference"] <= ROUNDING
    avx2 = tabulate(first, run_study(place / "avx2", **WITHOUT_AVX512))
    print(f"without AVX-512:\n{avx2.to_string(index=False)}")
    sys.exit(bool(names) or not rounded.all())


if __name__ == "__main__":
    main()
