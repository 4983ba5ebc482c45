"""Label every step of a data set's labelling solutions, in shards that survive an interruption."""

from prmscale import tables
from prmscale.engines.recorded import RecordedPolicy
from prmscale.jobs import job
from prmscale.labels import spending
from prmscale.labels.labeller import hash_labellers, load_labellers
from prmscale.shards import complete, unfinished_work
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    files = snakemake.input
    ((labeller,),) = load_labellers(params, snakemake.resources.gpu).values()

    def make(part, folder, progress):
        written = tables.read(files.solutions, "solutions", problems=part)
        # what a shard holds depends on nothing outside it
        if labeller.policy:
            labeller.policy.forget()
        labeller.grader.forget(RecordedPolicy(written).grades)
        problems = from_table(tables.read(files.problems, "problems", problems=part))
        by_id = {problem.problem_id: problem for problem in problems}
        chosen = [by_id[name] for name in part]
        labels = labeller.label(chosen, written, progress)
        tables.write(labels, folder / "labels.parquet", "labels")
        spent = spending.charge_labels(labels, written)
        tables.write(spent, folder / "spent.parquet", "spending")

    output, released = snakemake.output, hash_labellers(params, files)
    names = tables.read(files.solutions, "solutions", ["problem_id"]).problem_id.unique().tolist()
    share = snakemake.wildcards.get("share", "1of1")
    with unfinished_work(snakemake, output.labels, *released) as work:
        tables.merge_folders(complete(work, names, params.shards, make, share), dict(output))
