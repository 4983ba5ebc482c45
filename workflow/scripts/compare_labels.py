"""Label the same problems of one data set by every method that is compared."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels.comparison import compare
from prmscale.labels.labeller import load_labellers
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split == "train"])[: params.problems]
    solutions = tables.read(snakemake.input.solutions, "solutions")
    solutions = solutions[solutions.problem_id.isin([p.problem_id for p in chosen])]
    labellers = load_labellers(params, snakemake.resources.gpu, solutions)
    labels, spent = compare(labellers, chosen, solutions, params.readings)
    tables.write(spent, snakemake.output.spent, "spending")
    tables.write(labels, snakemake.output.labels, "labels")
