"""Write the problems of one data set, all splits, and its card."""

from collections import Counter
from dataclasses import replace

from prmscale import tables
from prmscale.files import write_json
from prmscale.jobs import job
from prmscale.study import GENERATED, CodeExecution, Dataset, World
from prmscale.tasks.base import rename, to_table
from prmscale.tasks.benchmarks.base import PublishedBenchmark
from prmscale.tasks.registry import build, load_split
from prmscale.tasks.world.corpus import card

with job(snakemake):
    # of a data set that splits the solutions of another, the other
    dataset, name = Dataset(**snakemake.params.dataset), snakemake.wildcards.dataset
    world = World(**snakemake.params.world)
    task = build(dataset, world, CodeExecution(**snakemake.params.execution))
    problems = [
        replace(
            problem,
            problem_id=rename(problem.problem_id, name),
            licence=dataset.licence or problem.licence,
        )
        for split in ("train", "validation", "test")
        if getattr(dataset, split)
        for problem in load_split(task, dataset, split, snakemake.params.seed)
    ]
    facts = {
        "name": name,
        "source": dataset.source,
        "path": dataset.path,
        "licence": sorted({p.licence for p in problems}),
        "problems": dict(Counter(p.split for p in problems)),
        "left_out": task.left_out if isinstance(task, PublishedBenchmark) else {},  # reason: ids
        "seed": snakemake.params.seed,
        "world": card(world) if dataset.source in GENERATED else None,
    }
    write_json(facts, snakemake.output.card)
    tables.write(to_table(problems), snakemake.output.problems, "problems")
