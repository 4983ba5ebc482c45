"""Grow OmegaPRM's trees of one data set, in shards that survive an interruption.

A tree's rollouts are solutions, and their steps are labelled.
"""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels.labeller import hash_labellers, load_labellers
from prmscale.shards import complete, unfinished_work
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split.isin(params.splits)])
    ((labeller,),) = load_labellers(params, snakemake.resources.gpu).values()

    def make(part, folder, progress):
        # what a shard holds depends on nothing outside it
        labeller.policy.forget()
        labeller.grader.forget()
        solutions, labels, spent = labeller.grow(part, progress)
        tables.write(solutions, folder / "solutions.parquet", "solutions")
        tables.write(labels, folder / "labels.parquet", "labels")
        tables.write(spent, folder / "spent.parquet", "spending")

    output, released = snakemake.output, hash_labellers(params, snakemake.input)
    share = snakemake.wildcards.get("share", "1of1")
    with unfinished_work(snakemake, output.labels, *released) as work:
        tables.merge_folders(complete(work, chosen, params.shards, make, share), dict(output))
