"""Label every step of a data set's labelling solutions, in shards that survive an interruption."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels import spending
from prmscale.labels.labeller import hash_labellers, load_labellers
from prmscale.shards import complete, unfinished_work
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    problems = {
        p.problem_id: p for p in from_table(tables.read(snakemake.input.problems, "problems"))
    }
    solutions = tables.read(snakemake.input.solutions, "solutions")
    ((labeller,),) = load_labellers(params, snakemake.resources.gpu, solutions).values()

    def make(part, folder, progress):
        if labeller.policy:
            labeller.policy.forget()  # what a shard holds depends on nothing outside it
        chosen = [problems[name] for name in part]
        written = solutions[solutions.problem_id.isin(part)]
        labels = labeller.label(chosen, written, progress)
        tables.write(labels, folder / "labels.parquet", "labels")

    output, released = snakemake.output.labels, hash_labellers(params, snakemake.input)
    with unfinished_work(snakemake, output, *released) as work:
        folders = complete(work, list(dict.fromkeys(solutions.problem_id)), params.shards, make)
        labels = tables.read_all([folder / "labels.parquet" for folder in folders], "labels")
        spent = spending.charge_labels(labels, solutions)
        tables.write(spent, snakemake.output.spent, "spending")
        tables.write(labels, output, "labels")
