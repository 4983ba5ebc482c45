"""Grow OmegaPRM's trees of one data set, in shards that survive an interruption.

A tree's rollouts are solutions, and their steps are labelled.
"""

import shutil
from pathlib import Path

from prmscale import tables
from prmscale.jobs import job, shards_of
from prmscale.labels.labeller import load_labellers
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split.isin(params.splits)])
    ((labeller,),) = load_labellers(params, snakemake.resources.gpu).values()

    def make(number, part):
        labeller.policy.forget()
        solutions, labels, spent = labeller.grow(part, f"shard {number + 1} of {params.shards}")
        tables.write(spent, folder / f"{number:04d}.spent.parquet", "spending")
        tables.write(labels, folder / f"{number:04d}.labels.parquet", "labels")
        return solutions

    output = Path(snakemake.output.labels)
    folder = shards_of(
        output, dict(params), *map(Path, [snakemake.input.problems, *snakemake.input.policies])
    )
    solutions = tables.in_shards(folder, tables.cut(chosen, params.shards), make, "solutions")
    labels = [tables.read(path, "labels") for path in sorted(folder.glob("*.labels.parquet"))]
    spent = [tables.read(path, "spending") for path in sorted(folder.glob("*.spent.parquet"))]
    tables.write(tables.joined(spent, "spending"), snakemake.output.spent, "spending")
    tables.write(solutions, snakemake.output.solutions, "solutions")
    tables.write(tables.joined(labels, "labels"), output, "labels")
    shutil.rmtree(folder)
