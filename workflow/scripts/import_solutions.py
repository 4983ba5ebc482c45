"""Read and judge the recorded solutions of one policy for the test problems of a data set."""

from prmscale import tables
from prmscale.files import write_json
from prmscale.jobs import job
from prmscale.policies.recorded import import_solutions
from prmscale.study import CodeExecution, Dataset, RecordedPolicy, World
from prmscale.tasks.base import from_table
from prmscale.tasks.registry import Grader, build

with job(snakemake):
    params = snakemake.params
    dataset, policy = Dataset(**params.dataset), RecordedPolicy(**params.policy)
    task = build(dataset, World(**params.world), CodeExecution(**params.execution))
    problems = tables.read(snakemake.input.problems, "problems")
    tests = from_table(problems[problems.split == "test"])
    solutions = import_solutions(
        policy, Grader({dataset.name: task}), tests, params.samples, params.steps
    )
    print(
        f"{len(solutions)} solutions of {len(tests)} problems, {solutions.correct.mean():.1%} right"
    )
    names = {"policy": snakemake.wildcards.policy, "dataset": dataset.name}
    write_json({**names, "seconds_per_token": 0.0}, snakemake.output.speed)
    tables.write(solutions, snakemake.output.solutions, "solutions")
