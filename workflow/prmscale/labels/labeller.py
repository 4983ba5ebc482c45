"""What a labelling job works with: the task, the policy that rolls out, and the settings of its
method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prmscale import tables
from prmscale.engines.backends.loading import Weights
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.models import Device, load_policy
from prmscale.engines.policy import SamplingPolicy
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.scheduler import Grader, Policy, run
from prmscale.labels import spending
from prmscale.labels.adaptive import ANY, Decision
from prmscale.labels.label import by_rollouts, table
from prmscale.labels.monte_carlo import Estimate
from prmscale.labels.omega import Tree, omega
from prmscale.policies.sample import solution_table
from prmscale.study import CodeExecution, Dataset, OmegaTree, Prompting, Sampling, World
from prmscale.tasks import registry
from prmscale.tasks.base import Prefix, Problem


@dataclass(frozen=True)
class Labeller:
    """Labels one data set by one method, by the rollouts of one policy; the truth (`oracle`) needs
    none.

    `rollouts` is K, the number from a prefix or the largest; `provenance` is kept with each label.
    """

    method: str
    task: Any
    grader: Grader
    policy: Policy | None
    rollouts: int
    decision: Decision | None
    tree: OmegaTree
    provenance: Mapping[str, Any]

    def labels(
        self, problems: Sequence[Problem], solutions: pd.DataFrame, progress: str | None = None
    ) -> pd.DataFrame:
        """The labels of these problems' solutions."""
        if self.policy is None:
            return self._table(problems, solutions, [None] * len(problems))
        settings = (self.grader, self.rollouts, progress, self.decision, self.method)
        return self._table(
            problems, solutions, by_rollouts(problems, solutions, self.policy, *settings)
        )

    def grow(
        self, problems: Sequence[Problem], progress: str | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """The solutions that OmegaPRM's trees consist of, labels of those whose first error it has
        located, and what each problem took.
        """
        assert self.policy is not None, "a tree is of rollouts"
        strategies = [(problem, omega(self.rollouts, self.tree)) for problem in problems]
        runs = run(strategies, self.policy, grader=self.grader, progress=progress)
        trees: list[Tree] = [each.result for each in runs]
        written = [[*tree.solutions.values()] for tree in trees]
        solutions = solution_table(self.provenance["policy"], self.grader, problems, written)
        estimates = {
            p.problem_id: tree.estimates() for p, tree in zip(problems, trees, strict=True)
        }
        known = [
            tuple(s) in estimates[p]
            for p, s in zip(solutions.problem_id, solutions.steps, strict=True)
        ]
        spent = [
            spending.row(
                p.problem_id,
                self.provenance,
                (
                    len(tree.solutions),
                    len(estimates[p.problem_id].keys() & tree.solutions.keys()),
                    *tree.spent,
                ),
            )
            for p, tree in zip(problems, trees, strict=True)
        ]
        return (
            solutions,
            self._table(problems, solutions[known], list(estimates.values())),
            pd.DataFrame(spent),
        )

    def _table(
        self,
        problems: Sequence[Problem],
        solutions: pd.DataFrame,
        estimates: Sequence[Mapping[Prefix, Estimate] | None],
    ) -> pd.DataFrame:
        groups = dict(tuple(solutions.groupby("problem_id", sort=False)))
        labelled = [
            table(p, groups[p.problem_id], e, self.task, self.provenance)
            for p, e in zip(problems, estimates, strict=True)
            if p.problem_id in groups
        ]
        return tables.joined(labelled, "labels")


def load(
    params: Any, gpus: int, solutions: pd.DataFrame | None = None
) -> dict[str, list[Labeller]]:
    """The labellers of each method of `params.labellers` ({method: {policy: (weights, prompting)}}),
    one for each policy: the truth has one without, `consensus` a binary search for each.

    Several share their policies, and every draw of those: they meet the same luck. What is known of
    whole `solutions` is not judged again.
    """
    dataset, sampling = Dataset(**params.dataset), Sampling(**params.sampling)
    task = registry.build(dataset, World(**params.world), CodeExecution(**params.execution))
    grader = registry.Grader(
        {dataset.name: task}, {} if solutions is None else RecordedPolicy(solutions).grades
    )
    device = Device(params.device, gpus)
    models = {
        name: model for labellers in params.labellers.values() for name, model in labellers.items()
    }
    weights = {name: Weights(**of_policy) for name, (of_policy, _) in models.items()}
    hashes = {name: of_policy.hash() for name, of_policy in weights.items()}
    loaded: dict[str, SamplingPolicy] = {
        name: load_policy(
            name, weights[name], Prompting(**prompting), sampling, device, params.seed
        )
        for name, (_, prompting) in models.items()
    }
    policies: Mapping[str, Policy] = (
        {name: CachedPolicy(policy) for name, policy in loaded.items()}
        if len(params.labellers) > 1
        else loaded
    )

    def labeller(method: str, name: str | None) -> Labeller:
        decision = Decision(**params.decisions[method]) if method in params.decisions else None
        provenance = {
            "method": method,
            "decision": str(decision or ANY) if name else "truth",
            "policy": name or params.policy,
            "weights": hashes[name] if name else "",
            "k": params.rollouts if name else 0,
            "temperature": sampling.temperature,
            "seed": params.seed,
        }
        policy, tree = policies[name] if name else None, OmegaTree(**params.get("tree", {}))
        return Labeller(method, task, grader, policy, params.rollouts, decision, tree, provenance)

    return {
        # agreement is asked of labellers that each search for the first error
        method: [
            labeller("binary_search" if method == "consensus" else method, name)
            for name in names or [None]
        ]
        for method, names in params.labellers.items()
    }
