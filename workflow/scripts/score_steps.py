"""Score every step of the first samples of a policy's tests with every training of one reward
model.
"""

from itertools import chain

import numpy as np
import pandas as pd

from prmscale import tables
from prmscale.engines.models import load_scorer
from prmscale.jobs import job
from prmscale.labels.table import truths
from prmscale.search import benchmarks
from prmscale.study import CodeExecution, World

with job(snakemake):
    params = snakemake.params
    world, execution = World(**params.world), CodeExecution(**params.execution)
    scorers = [load_scorer(folder, params.device) for folder in snakemake.input.reward_model]
    found = []
    for test in benchmarks.load(params.plans, snakemake.input.solutions, world, execution):
        by_id = {p.problem_id: p for p in test.problems}
        own = test.solutions[test.solutions.solution_id < params.samples]
        items = [(by_id[row.problem_id], tuple(row.steps)) for row in own.itertuples()]
        counts = [len(steps) for _, steps in items]
        steps = own.loc[own.index.repeat(counts), ["problem_id", "solution_id", "correct"]].assign(
            dataset=test.dataset,
            step=[step for count in counts for step in range(count)],
            text=list(chain.from_iterable(steps for _, steps in items)),
            truth=np.array(
                list(chain.from_iterable(truths(test.task, *item) for item in items)), dtype=float
            ),
            reward_model=snakemake.wildcards.reward_model,
            role=params.role,
        )
        for seed, scorer in enumerate(scorers, 1):
            scored = scorer.score(items, f"{test.policy} on {test.dataset}, seed {seed}")
            found.append(
                steps.assign(replicate=seed, score=np.concatenate([each.scores for each in scored]))
            )
    tables.write(pd.concat(found, ignore_index=True), snakemake.output.scores, "scores")
