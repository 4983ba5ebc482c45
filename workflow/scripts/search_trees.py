"""Search one test set step by step, guided by every training of one reward model, in shards of its
problems.
"""

import shutil
from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.models import FACTS, load_policy, load_scorer
from prmscale.files import read_json
from prmscale.jobs import job, shards_of
from prmscale.search import benchmarks
from prmscale.search.evaluate import sample_costs, search_trees
from prmscale.study import CodeExecution, Prompting, Sampling, TreeSearch, World

with job(snakemake):
    params = snakemake.params
    options = TreeSearch(**params.tree)
    (test,) = benchmarks.load(
        [params.plan],
        [snakemake.input.solutions],
        World(**params.world),
        CodeExecution(**params.execution),
    )
    engine = load_policy(
        test.policy,
        params.folder,
        Prompting(**params.prompting),
        Sampling(**params.sampling),
        params.device,
        snakemake.resources.gpu,
        params.seed,
    )
    folders = [Path(folder) for folder in snakemake.input.reward_model]
    scorers = [
        load_scorer(folder, params.device, params.engine, snakemake.resources.gpu)
        for folder in folders
    ]
    steps = [read_json(folder / FACTS)["steps"] for folder in folders]
    worth = [sample_costs(test.solutions, scorer, options.unit) for scorer in scorers]
    names = {
        "dataset": test.dataset,
        "policy": test.policy,
        "reward_model": snakemake.wildcards.reward_model,
    }

    output = Path(snakemake.output.search)
    files = [Path(snakemake.input.solutions), *map(Path, snakemake.input.policy), *folders]
    shards = shards_of(output, dict(params), *files)
    parts = tables.cut(test.problems, options.shards)

    def make(number, problems):
        # what a shard draws depends on nothing outside it: made again, it has the same bytes
        engine.forget()
        policy = CachedPolicy(engine)
        rows, trees = [], []
        for seed, (scorer, step, own) in enumerate(zip(scorers, steps, worth, strict=True), 1):
            scorer.forget()
            found, kept = search_trees(
                problems,
                policy,
                scorer,
                test.grader,
                options,
                test.budgets(params.budgets),
                own,
                options.trees if number == 0 else 0,
            )
            rows.append(found.assign(training_step=step, replicate=seed, **names))
            trees.append(kept.assign(replicate=seed))
            print(
                f"shard {number + 1} of {len(parts)}, seed {seed}: {len(problems)} problems",
                flush=True,
            )
        if number == 0:
            tables.write(pd.concat(trees, ignore_index=True), shards / "trees.parquet", "trees")
        return pd.concat(rows, ignore_index=True).astype({"answer": "string"})

    tables.write(tables.in_shards(shards, parts, make, "search"), output, "search")
    tables.write(tables.read(shards / "trees.parquet", "trees"), snakemake.output.trees, "trees")
    shutil.rmtree(shards)
