"""Write the problems of one data set, all splits."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks.base import to_table
from prmscale.tasks.registry import build

with job(snakemake):
    dataset = Dataset(**snakemake.params.dataset)
    task = build(dataset, World(**snakemake.params.world), CodeExecution())
    problems = [
        problem
        for split in ("train", "validation", "test")
        if getattr(dataset, split)
        for problem in task.load(split, getattr(dataset, split), snakemake.params.seed)
    ]
    tables.write(to_table(problems), snakemake.output.problems, "problems")
