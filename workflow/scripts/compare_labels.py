"""Label the same problems of one data set by every method that is compared."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels.labeller import load
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split == "train"])[: params.problems]
    solutions = tables.read(snakemake.input.solutions, "solutions")
    own = solutions[solutions.problem_id.isin([p.problem_id for p in chosen])]
    found = [
        labeller.grow(chosen, "omega")[1]
        if labeller.method == "omega"
        else labeller.labels(chosen, own, labeller.method)
        for labeller in load(params, snakemake.resources.gpu, own)
    ]
    tables.write(tables.joined(found, "labels"), snakemake.output.labels, "labels")
