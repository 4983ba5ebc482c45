"""Sample and judge solutions of one data set by one policy, in shards."""

from prmscale import tables
from prmscale.engines.backends.loading import Weights, released_hashes
from prmscale.engines.models import Device, load_policy
from prmscale.files import read_json, write_json
from prmscale.jobs import job
from prmscale.policies.sample import check_sums, sample_solutions
from prmscale.shards import complete, unfinished_work
from prmscale.study import CodeExecution, Dataset, Prompting, Sampling, World
from prmscale.tasks.base import from_table
from prmscale.tasks.registry import Grader, build

with job(snakemake):
    params = snakemake.params
    dataset, weights = Dataset(**params.dataset), Weights(**params.weights)
    world = World(**params.world)
    task = build(dataset, world, CodeExecution(**params.execution))
    policy = load_policy(
        params.policy,
        weights,
        Prompting(**params.prompting),
        Sampling(**params.sampling),
        Device(params.device, snakemake.resources.gpu),
        params.seed,
    )
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split.isin(params.splits)])
    grader = Grader({dataset.name: task})
    policy.is_certainty_asked = snakemake.wildcards.purpose == "search"

    def make(part, folder, progress):
        # what a shard holds depends on nothing outside it
        policy.forget()
        grader.forget()
        solutions = sample_solutions(policy, grader, part, params.samples, progress)
        tables.write(solutions, folder / "solutions.parquet", "solutions")
        write_json(policy.seconds_per_token, folder / "speed.json")

    released = released_hashes([(weights.folder, weights.revision)], snakemake.input)
    with unfinished_work(snakemake, snakemake.output.solutions, *released, policy.dtype) as work:
        folders = complete(work, chosen, params.shards, make)
        times = sorted(read_json(folder / "speed.json") for folder in folders)
        shards = [folder / "solutions.parquet" for folder in folders]
        if dataset.source == "arithmetic":
            written = (tables.read(each, "solutions", ["correct", "steps"]) for each in shards)
            check_sums(written, params.policy, world.modulus, params.most_wrong_sums)
        speed = {"policy": params.policy, "dataset": dataset.name}
        speed |= {"seconds_per_token": times[len(times) // 2], "dtype": policy.dtype}
        write_json(speed | {"engine": policy.sampling.engine}, snakemake.output.speed)
        tables.merge({"solutions": shards}, {"solutions": snakemake.output.solutions})
