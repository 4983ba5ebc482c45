"""Run the strategies of one reward model (or those that need none) over every policy and test set."""

from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.engines.recorded import RecordedPolicy
from prmscale.files import read_json
from prmscale.jobs import job
from prmscale.rewards.card import FACTS
from prmscale.rewards.released import load_scorer
from prmscale.search import benchmarks
from prmscale.search.evaluate import evaluate
from prmscale.study import CodeExecution, World

with job(snakemake):
    params = snakemake.params
    folders = [(1, None)]
    if params.reward_model:
        folders = [
            (replicate, path)
            for replicate, folder in enumerate(map(Path, snakemake.input.reward_model), 1)
            for path in [*sorted((folder / "checkpoints").glob("*"), key=lambda p: int(p.name)), folder]
        ]
    tests = [
        (test, RecordedPolicy(test.solutions, read_json(speed)["seconds_per_token"]))
        for test, speed in zip(
            benchmarks.load(
                params.plans, snakemake.input.solutions, World(**params.world), CodeExecution(**params.execution)
            ),
            snakemake.input.speeds,
            strict=True,
        )
    ]
    found = []
    for replicate, folder in folders:
        scorer = None  # the one before goes first: both need not have room
        scorer = load_scorer(folder, params.device, params.engine, snakemake.resources.gpu) if folder else None
        step = read_json(folder / FACTS)["steps"] if folder else -1
        for test, policy in tests:
            rows = evaluate(
                test.problems,
                policy,
                scorer,
                test.grader,
                params.strategies,
                params.aggregations,
                test.budgets(params.budgets),
                f"{test.policy} on {test.dataset}, seed {replicate}, training step {step}",
            )
            found.append(
                rows.assign(
                    dataset=test.dataset,
                    policy=test.policy,
                    reward_model=params.reward_model,
                    training_step=step,
                    seed=replicate,
                )
            )
    tables.write(pd.concat(found, ignore_index=True).astype({"answer": "string"}), snakemake.output.search, "search")
