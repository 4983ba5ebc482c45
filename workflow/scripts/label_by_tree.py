"""Grow OmegaPRM's trees of one data set, in shards that survive an interruption.

A tree's rollouts are solutions, and their steps are labelled.
"""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels.labeller import hash_labellers, load_labellers
from prmscale.shards import complete, unfinished_work
from prmscale.tasks.base import from_table

KINDS = {"spent": "spending", "solutions": "solutions", "labels": "labels"}  # output: its table

with job(snakemake):
    params = snakemake.params
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split.isin(params.splits)])
    ((labeller,),) = load_labellers(params, snakemake.resources.gpu).values()

    def make(part, folder, progress):
        labeller.policy.forget()  # what a shard holds depends on nothing outside it
        solutions, labels, spent = labeller.grow(part, progress)
        for name, table in (("solutions", solutions), ("labels", labels), ("spent", spent)):
            tables.write(table, folder / f"{name}.parquet", KINDS[name])

    output, released = snakemake.output.labels, hash_labellers(params, snakemake.input)
    with unfinished_work(snakemake, output, *released) as work:
        folders = complete(work, chosen, params.shards, make)
        for name, kind in KINDS.items():
            table = tables.read_all([folder / f"{name}.parquet" for folder in folders], kind)
            tables.write(table, snakemake.output[name], kind)
