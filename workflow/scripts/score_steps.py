"""Score every step of the first samples of a policy's tests with every training of one reward model."""

from itertools import chain

import numpy as np
import pandas as pd

from prmscale import tables
from prmscale.jobs import job
from prmscale.rewards.released import load_scorer
from prmscale.search import benchmarks
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks.registry import build

with job(snakemake):
    params = snakemake.params
    world, execution = World(**params.world), CodeExecution(**params.execution)
    found = []
    tests = list(benchmarks.load(params.plans, snakemake.input.solutions, world, execution))
    tasks = [build(Dataset(**plan["dataset"]), world, execution) for plan in params.plans]
    for seed, folder in enumerate(snakemake.input.reward_model, 1):
        scorer = load_scorer(folder, params.device)
        for test, task in zip(tests, tasks, strict=True):
            by_id = {p.problem_id: p for p in test.problems}
            own = test.solutions[test.solutions.solution_id < params.samples]
            items = [(by_id[row.problem_id], tuple(row.steps)) for row in own.itertuples()]
            scored = scorer.score(items, f"{test.policy} on {test.dataset}, seed {seed}")
            known = hasattr(task, "truth")  # of the generated worlds
            truth = [task.truth(*item) if known else [np.nan] * len(item[1]) for item in items]
            counts = [len(steps) for _, steps in items]
            each = own.loc[own.index.repeat(counts), ["problem_id", "solution_id", "correct"]]
            found.append(
                each.assign(
                    dataset=test.dataset,
                    step=[step for count in counts for step in range(count)],
                    text=list(chain.from_iterable(steps for _, steps in items)),
                    truth=np.array(list(chain.from_iterable(truth)), dtype=float),
                    reward_model=snakemake.wildcards.reward_model,
                    role=params.role,
                    seed=seed,
                    score=np.concatenate([each.scores for each in scored]),
                )
            )
    tables.write(pd.concat(found, ignore_index=True), snakemake.output.scores, "scores")
