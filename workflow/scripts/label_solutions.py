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
        spent = spending.charge_labels(labels, written)
        tables.write(spent, folder / "spent.parquet", "spending")

    output, released = snakemake.output, hash_labellers(params, snakemake.input)
    names = list(dict.fromkeys(solutions.problem_id))
    share = snakemake.wildcards.get("share", "1of1")
    with unfinished_work(snakemake, output.labels, *released) as work:
        tables.merge_folders(complete(work, names, params.shards, make, share), dict(output))
