"""Run the strategies of one reward model (or those that need none) over every policy and test set."""

from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.transformers_scorer import TransformersScorer
from prmscale.files import read_json
from prmscale.jobs import job
from prmscale.search.evaluate import evaluate
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks.base import from_table
from prmscale.tasks.registry import Grader, build

with job(snakemake):
    params = snakemake.params
    folder = snakemake.input.get("reward_model")
    checkpoints = [None]
    if folder:
        checkpoints = [*sorted((Path(folder) / "checkpoints").glob("*"), key=lambda p: int(p.name)), Path(folder)]
    found = []
    tests = []
    for plan, solutions, speed in zip(params.plans, snakemake.input.solutions, snakemake.input.speeds, strict=True):
        dataset = Dataset(**plan["dataset"])
        problems = from_table(tables.read(plan["problems"], "problems"))
        policy = RecordedPolicy(tables.read(solutions, "solutions"), read_json(speed)["seconds_per_token"])
        task = build(dataset, World(**params.world), CodeExecution(**params.execution))
        tests.append(
            (plan, [p for p in problems if p.split == "test"], policy, Grader({dataset.name: task}, policy.grades))
        )
    for checkpoint in checkpoints:
        scorer = TransformersScorer(checkpoint, params.device) if checkpoint else None
        step = read_json(checkpoint / "reward_model.json")["steps"] if checkpoint else -1
        for plan, problems, policy, grader in tests:
            rows = evaluate(
                problems,
                policy,
                scorer,
                grader,
                params.strategies,
                params.aggregations,
                [b for b in params.budgets if b <= plan["samples"]],
                f"{plan['policy']} on {plan['dataset']['name']}, training step {step}",
            )
            found.append(
                rows.assign(
                    dataset=plan["dataset"]["name"],
                    policy=plan["policy"],
                    reward_model=params.reward_model,
                    training_step=step,
                    seed=params.seed,
                )
            )
    tables.write(pd.concat(found, ignore_index=True).astype({"answer": "string"}), snakemake.output.search, "search")
