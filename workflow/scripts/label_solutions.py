"""Label every step of the labelling solutions of one data set, in shards that survive an interruption."""

import shutil
from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.engines.recorded import RecordedPolicy
from prmscale.jobs import job, shards_of
from prmscale.labels.adaptive import Decision
from prmscale.labels.consensus import consensus
from prmscale.labels.label import by_rollouts, table
from prmscale.policies.engine import load_policy
from prmscale.study import CodeExecution, Dataset, Prompting, Sampling, World
from prmscale.tasks.base import from_table
from prmscale.tasks.registry import Grader, build

with job(snakemake):
    params = snakemake.params
    dataset = Dataset(**params.dataset)
    task = build(dataset, World(**params.world), CodeExecution(**params.execution))
    problems = {p.problem_id: p for p in from_table(tables.read(snakemake.input.problems, "problems"))}
    solutions = tables.read(snakemake.input.solutions, "solutions")
    grader = Grader({dataset.name: task}, RecordedPolicy(solutions).grades)
    sampling = Sampling(**params.sampling)
    policies = {
        name: load_policy(
            name, folder, Prompting(**prompting), sampling, params.device, snakemake.resources.gpu, params.seed
        )
        for name, (folder, prompting) in params.labellers.items()
    }
    provenance = {
        "method": params.method,
        "policy": "+".join(policies) or params.policy,
        "temperature": sampling.temperature,
        "seed": params.seed,
    }
    decision = Decision(**params.decision) if params.decision else None
    # agreement is asked of labellers that each look for the first error
    method = "binary_search" if params.method == "consensus" else params.method

    def make(number, part):
        own = solutions[solutions.problem_id.isin(part)]
        chosen = [problems[name] for name in part]
        progress = f"shard {number + 1} of {params.shards}"
        groups = dict(tuple(own.groupby("problem_id", sort=False)))

        def labelled(policy):
            estimates = [None] * len(chosen)
            if policy is not None:
                policy.forget()
                estimates = by_rollouts(chosen, own, policy, grader, params.rollouts, progress, decision, method)
            return pd.concat(
                [table(p, groups[p.problem_id], e, task, provenance) for p, e in zip(chosen, estimates, strict=True)],
                ignore_index=True,
            )

        by_policy = [labelled(policy) for policy in policies.values() or [None]]
        return consensus(by_policy) if params.method == "consensus" else by_policy[0]

    output = Path(snakemake.output.labels)
    names = list(dict.fromkeys(solutions.problem_id))
    folder = shards_of(output, dict(params), Path(snakemake.input.solutions))
    parts = tables.cut(names, params.shards)
    tables.write(tables.in_shards(folder, parts, make, "labels"), output, "labels")
    shutil.rmtree(folder)
