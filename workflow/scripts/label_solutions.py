"""Label every step of a data set's labelling solutions, in shards that survive an interruption."""

import shutil
from pathlib import Path

from prmscale import tables
from prmscale.jobs import job, shards_of
from prmscale.labels import spending
from prmscale.labels.labeller import load_labellers
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    problems = {
        p.problem_id: p for p in from_table(tables.read(snakemake.input.problems, "problems"))
    }
    solutions = tables.read(snakemake.input.solutions, "solutions")
    ((labeller,),) = load_labellers(params, snakemake.resources.gpu, solutions).values()

    def make(number, part):
        if labeller.policy:
            labeller.policy.forget()
        chosen = [problems[name] for name in part]
        written = solutions[solutions.problem_id.isin(part)]
        return labeller.label(chosen, written, f"shard {number + 1} of {params.shards}")

    output = Path(snakemake.output.labels)
    names = list(dict.fromkeys(solutions.problem_id))
    folder = shards_of(output, dict(params), Path(snakemake.input.solutions))
    labels = tables.in_shards(folder, tables.cut(names, params.shards), make, "labels")
    tables.write(spending.of_labels(labels, solutions), snakemake.output.spent, "spending")
    tables.write(labels, output, "labels")
    shutil.rmtree(folder)
