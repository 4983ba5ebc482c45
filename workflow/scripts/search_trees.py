"""Search one test set step by step, guided by every training of one reward model, in shards of its
problems.
"""

from itertools import chain
from pathlib import Path

from prmscale import tables
from prmscale.engines.backends.loading import Weights, released_hashes
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.facts import read_facts
from prmscale.engines.models import Device, load_policy, load_scorer, released_models
from prmscale.jobs import job
from prmscale.search import benchmarks
from prmscale.search.evaluate import Engines, sample_costs, search_trees
from prmscale.shards import complete, unfinished_work
from prmscale.study import CodeExecution, Prompting, Sampling, TreeSearch, World

with job(snakemake):
    params = snakemake.params
    device = Device(params.device, snakemake.resources.gpu)
    options, weights = TreeSearch(**params.tree), Weights(**params.weights)
    (test,) = benchmarks.load(
        [params.plan],
        [snakemake.input.solutions],
        World(**params.world),
        CodeExecution(**params.execution),
    )
    engine = load_policy(
        test.policy,
        weights,
        Prompting(**params.prompting),
        Sampling(**params.sampling),
        device,
        params.seed,
    )
    folders = [Path(folder) for folder in snakemake.input.reward_model]
    scorers = [load_scorer(folder, device, params.engine) for folder in folders]
    steps = [read_facts(folder)["steps"] for folder in folders]
    costs = [sample_costs(test, scorer, options.unit) for scorer in scorers]
    names = {
        "dataset": test.dataset,
        "policy": test.policy,
        "reward_model": snakemake.wildcards.reward_model,
    }

    def make(problems, folder, progress):
        # what a shard holds depends on nothing outside it
        engine.forget()
        test.grader.forget()
        policy = CachedPolicy(engine)
        rows, trees = [], []
        of_replicate = zip(scorers, steps, costs, strict=True)
        for replicate, (scorer, step, cost) in enumerate(of_replicate, start=1):
            scorer.forget()
            found, nodes = search_trees(
                problems,
                Engines(policy, scorer, test.grader, params.seed),
                options,
                test.budgets(params.budgets),
                cost,
                options.saved_trees if problems[0] is test.problems[0] else 0,
            )
            rows.append(found.assign(training_step=step, replicate=replicate, **names))
            trees.append(nodes.assign(replicate=replicate))
            print(f"{progress}, replicate {replicate}: {len(problems)} problems", flush=True)
            if scorer.counts:
                print(f"verdicts so far: {dict(scorer.counts)}", flush=True)
        search = tables.join(rows, "search").astype({"answer": "string"})
        # problem by problem, so that the order does not depend on the number of shards
        place = {problem.problem_id: number for number, problem in enumerate(problems)}
        search = search.sort_values(
            "problem_id", key=lambda names: names.map(place), kind="stable", ignore_index=True
        )
        tables.write(search, folder / "search.parquet", "search")
        tables.write(tables.join(trees, "trees"), folder / "trees.parquet", "trees")

    models = [(weights.folder, weights.revision), *chain(*map(released_models, folders))]
    released = released_hashes(models, snakemake.input)
    output, share = snakemake.output, snakemake.wildcards.get("share", "1of1")
    with unfinished_work(snakemake, output.search, *released, engine.dtype) as work:
        shards = complete(work, test.problems, options.shards, make, share)
        tables.merge_folders(shards, dict(output))
