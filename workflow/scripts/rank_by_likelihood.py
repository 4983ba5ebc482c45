"""Rank the samples of every benchmark by the likelihood of one base: what it knows without any
reward training.
"""

import pandas as pd

from prmscale import tables
from prmscale.engines.backends.transformers_likelihood import TransformersLikelihood
from prmscale.engines.recorded import RecordedPolicy
from prmscale.jobs import job
from prmscale.search import benchmarks
from prmscale.search.evaluate import Engines, evaluate
from prmscale.study import CodeExecution, World

with job(snakemake):
    params = snakemake.params
    found = []
    tests = list(
        benchmarks.load(
            params.plans,
            snakemake.input.solutions,
            World(**params.world),
            CodeExecution(**params.execution),
        )
    )
    for replicate, folder in enumerate(params.folders, 1):
        base = TransformersLikelihood(folder, params.device, params.revision)
        for test in tests:
            by_id = {p.problem_id: p for p in test.problems}
            own = test.solutions
            read = base.read(
                [
                    (by_id[name], tuple(steps), reason == "stop")
                    for name, steps, reason in zip(
                        own.problem_id, own.steps, own.finish_reason, strict=True
                    )
                ],
                f"{test.policy} on {test.dataset}, seed {replicate}",
            )
            reread = own.assign(
                logprob=[r.logprob for r in read],
                min_logprob=[r.min_logprob for r in read],
                flops=own.flops + [r.flops for r in read],
            )
            rows = evaluate(
                test.problems,
                Engines(RecordedPolicy(reread), None, test.grader),
                ["likelihood"],
                [],
                test.budgets(params.budgets),
            )
            found.append(
                rows.assign(
                    strategy="base_likelihood",
                    dataset=test.dataset,
                    policy=test.policy,
                    reward_model=params.base,
                    training_step=-1,
                    replicate=replicate,
                )
            )
    tables.write(
        pd.concat(found, ignore_index=True).astype({"answer": "string"}),
        snakemake.output.search,
        "search",
    )
