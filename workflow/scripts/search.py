"""Run the strategies of one reward model (or those that need none) over every policy and test set.

A reward model's scores of the samples also say which of their steps it takes for the first wrong
one.
"""

from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.engines.models import FACTS, Device, load_scorer
from prmscale.engines.recorded import RecordedPolicy
from prmscale.files import read_json
from prmscale.jobs import job
from prmscale.rewards import first_errors
from prmscale.search import benchmarks
from prmscale.search.evaluate import Engines, evaluate
from prmscale.study import CodeExecution, World
from prmscale.tasks.benchmarks import process_bench

with job(snakemake):
    params = snakemake.params
    device = Device(params.device, snakemake.resources.gpu)
    world, execution = World(**params.world), CodeExecution(**params.execution)
    folders = [(1, None)]
    if params.reward_model:
        folders = [
            (replicate, path)
            for replicate, folder in enumerate(map(Path, snakemake.input.reward_model), 1)
            for path in [
                *sorted((folder / "checkpoints").glob("*"), key=lambda p: int(p.name)),
                folder,
            ]
        ]
    tests = [
        (test, RecordedPolicy(test.solutions, read_json(speed)["seconds_per_token"]))
        for test, speed in zip(
            benchmarks.load(params.plans, snakemake.input.solutions, world, execution),
            snakemake.input.speeds,
            strict=True,
        )
    ]
    to_name = {
        test.dataset: first_errors.known(
            test.task,
            test.problems,
            test.solutions[test.solutions.solution_id < params.first_errors["samples"]],
        )
        for test, _ in tests
        if test.policy == params.plans[0]["policy"]
    }
    for subset in params.first_errors["process_bench"]:
        to_name[f"ProcessBench {subset['subset']}"] = process_bench.load(**subset)
    to_name = {dataset: own for dataset, own in to_name.items() if own and params.reward_model}
    validation = [
        each
        for held_out in benchmarks.load(
            params.validation, snakemake.input.validation, world, execution, "validation"
        )
        for each in first_errors.known(held_out.task, held_out.problems, held_out.solutions)
    ] or next(iter(to_name.values()), [])
    found, named = [], []
    for replicate, folder in folders:
        scorer = None  # the one before goes first: both need not have room
        scorer = load_scorer(folder, device, params.engine) if folder else None
        step = read_json(folder / FACTS)["steps"] if folder else -1
        for test, policy in tests:
            rows = evaluate(
                test.problems,
                Engines(policy, scorer, test.grader),
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
                    replicate=replicate,
                )
            )
        if to_name and folder and folder.parent.name != "checkpoints":
            own = first_errors.predict(scorer, validation, to_name)
            named.append(own.assign(reward_model=params.reward_model, replicate=replicate))
    tables.write(
        tables.joined(named, "first_errors"), snakemake.output.first_errors, "first_errors"
    )
    tables.write(
        pd.concat(found, ignore_index=True).astype({"answer": "string"}),
        snakemake.output.search,
        "search",
    )
