"""Sample and judge solutions of one data set by one policy, in shards that survive an interruption."""

import shutil
from pathlib import Path

from prmscale import tables
from prmscale.engines.models import load_policy
from prmscale.files import read_json, write_json
from prmscale.jobs import job, shards_of
from prmscale.policies.sample import sample_solutions
from prmscale.study import CodeExecution, Dataset, Prompting, Sampling, World
from prmscale.tasks.base import from_table
from prmscale.tasks.registry import Grader, build

with job(snakemake):
    params = snakemake.params
    dataset = Dataset(**params.dataset)
    task = build(dataset, World(**params.world), CodeExecution(**params.execution))
    policy = load_policy(
        params.policy,
        params.folder,
        Prompting(**params.prompting),
        Sampling(**params.sampling),
        params.device,
        snakemake.resources.gpu,
        params.seed,
    )
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split.isin(params.splits)])
    grader = Grader({dataset.name: task})
    output = Path(snakemake.output.solutions)
    folder = shards_of(output, dict(params), Path(snakemake.input.problems))

    def make(number, part):
        policy.forget()
        table = sample_solutions(
            policy, grader, part, params.samples, f"shard {number + 1} of {params.shards}"
        )
        write_json(policy.seconds_per_token, folder / f"{number:04d}.json")
        return table

    solutions = tables.in_shards(folder, tables.cut(chosen, params.shards), make, "solutions")
    times = [read_json(path) for path in sorted(folder.glob("*.json"))]
    write_json({"seconds_per_token": sorted(times)[len(times) // 2]}, snakemake.output.speed)
    tables.write(solutions, output, "solutions")
    shutil.rmtree(folder)
