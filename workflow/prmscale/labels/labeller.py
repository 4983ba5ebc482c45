"""What a labelling job works with: a method, a policy that rolls out, a grader, and the task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prmscale import tables
from prmscale.engines.backends.loading import Weights, choose_dtype, released_hashes
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.models import Device, load_policy
from prmscale.engines.policy import SamplingPolicy
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.scheduler import Grader, run
from prmscale.engines.stream import Policy
from prmscale.labels import spending
from prmscale.labels.adaptive import ANY_RIGHT, Decision
from prmscale.labels.methods import Method, estimate_prefixes
from prmscale.labels.monte_carlo import Estimate
from prmscale.labels.omega import Tree, omega
from prmscale.labels.table import label_table
from prmscale.policies.sample import solution_table
from prmscale.study import READS, CodeExecution, Dataset, OmegaTree, Prompting, Sampling, World
from prmscale.tasks import registry
from prmscale.tasks.base import Prefix, Problem


@dataclass(frozen=True)
class Labeller:
    """Labels one data set by one method with one policy's rollouts; the truth (`oracle`) has none.

    `tree` is read by `grow` alone. `provenance` is stored with each label.
    """

    method: Method
    task: Any
    grader: Grader
    policy: Policy | None
    tree: OmegaTree
    provenance: Mapping[str, Any]

    def label(
        self, problems: Sequence[Problem], solutions: pd.DataFrame, progress: str | None = None
    ) -> pd.DataFrame:
        """The labels of these problems' solutions."""
        if self.policy is None:
            return self._table(problems, solutions, [None] * len(problems))
        estimates = estimate_prefixes(
            problems, solutions, self.method, self.policy, self.grader, progress
        )
        return self._table(problems, solutions, estimates)

    def grow(
        self, problems: Sequence[Problem], progress: str | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """OmegaPRM's trees: their solutions, the labels, and the spending of each problem.

        Only solutions whose first error, or that they have none, is located have labels.
        """
        assert self.policy is not None, "a tree consists of rollouts"
        strategies = [(problem, omega(self.method.rollouts, self.tree)) for problem in problems]
        runs = run(strategies, self.policy, grader=self.grader, progress=progress)
        trees: list[Tree] = [each.result for each in runs]
        written = [list(tree.solutions.values()) for tree in trees]
        solutions = solution_table(self.provenance["policy"], self.grader, problems, written)
        estimates = [tree.estimates() for tree in trees]
        labels = self._table(problems, _select_located(solutions, problems, estimates), estimates)
        spent = [
            self._spending(problem, tree, found)
            for problem, tree, found in zip(problems, trees, estimates, strict=True)
        ]
        return solutions, labels, pd.DataFrame(spent)

    def _spending(
        self, problem: Problem, tree: Tree, estimates: Mapping[Prefix, Estimate]
    ) -> dict[str, object]:
        """The row of a problem's tree in the spending table."""
        labelled = len(estimates.keys() & tree.solutions.keys())
        counts = (len(tree.solutions), labelled, *tree.spent)
        return spending.row(problem.problem_id, self.provenance, counts)

    def _table(
        self,
        problems: Sequence[Problem],
        solutions: pd.DataFrame,
        estimates: Sequence[Mapping[Prefix, Estimate] | None],
    ) -> pd.DataFrame:
        """The labels of the problems that have solutions."""
        groups = dict(tuple(solutions.groupby("problem_id", sort=False)))
        labelled = [
            label_table(problem, groups[problem.problem_id], found, self.task, self.provenance)
            for problem, found in zip(problems, estimates, strict=True)
            if problem.problem_id in groups
        ]
        return tables.join(labelled, "labels")


def _select_located(
    solutions: pd.DataFrame,
    problems: Iterable[Problem],
    estimates: Iterable[Mapping[Prefix, Estimate]],
) -> pd.DataFrame:
    """The solutions that have estimates."""
    by_problem = {
        problem.problem_id: found for problem, found in zip(problems, estimates, strict=True)
    }
    located = [
        tuple(steps) in by_problem[name]
        for name, steps in zip(solutions["problem_id"], solutions["steps"], strict=True)
    ]
    return solutions[located]


def load_labellers(
    params: Any, gpus: int, solutions: pd.DataFrame | None = None
) -> dict[str, list[Labeller]]:
    """The labellers of each method of `params.labellers`, {method: {policy: (weights, prompting)}}.

    A method has one labeller for each of its policies: `oracle` has one labeller without a policy;
    those of a reading label by the method that it reads. Several methods share the policies and
    their random draws, so their comparison is paired. Grades of whole `solutions` are read, not
    judged again.
    """
    task, grader = _load_task(params, solutions)
    policies, weights = _load_policies(params, gpus)

    def build(method: str, name: str | None) -> Labeller:
        decision = ANY_RIGHT
        if method in params.decisions:
            decision = Decision(**params.decisions[method])
        provenance = {
            "method": method,
            "decision": str(decision) if name else "truth",
            "policy": name or params.policy,
            "weights": weights[name] if name else "",
            "k": params.rollouts if name else 0,
            "temperature": Sampling(**params.sampling).temperature,
            "seed": params.seed,
        }
        tree = OmegaTree(**params.get("tree", {}))
        settings = Method(method, params.rollouts, decision)
        return Labeller(settings, task, grader, policies[name] if name else None, tree, provenance)

    labellers = {}
    for method, names in params.labellers.items():
        labellers[method] = [build(READS.get(method, method), name) for name in names or [None]]
    return labellers


def hash_labellers(params: Any, inputs: Iterable[str]) -> list[str]:
    """Hashes of the labellers' released models (see `loading.released_hashes`), and the number
    formats that their weights are loaded in.
    """
    weights = [each for labellers in params.labellers.values() for each, _ in labellers.values()]
    formats: list[str] = [choose_dtype(each["dtype"], params.device) for each in weights]
    models = [(each["folder"], each["revision"]) for each in weights]
    return released_hashes(models, inputs) + formats


def _load_task(params: Any, solutions: pd.DataFrame | None) -> tuple[Any, Grader]:
    """The data set's task, and its grader, which knows the grades of the solutions."""
    dataset = Dataset(**params.dataset)
    task = registry.build(dataset, World(**params.world), CodeExecution(**params.execution))
    grades = {} if solutions is None else RecordedPolicy(solutions).grades
    return task, registry.Grader({dataset.name: task}, grades)


def _load_policies(params: Any, gpus: int) -> tuple[Mapping[str, Policy], Mapping[str, str]]:
    """The policies of all labellers, and the hash of each one's weights."""
    models = {
        name: model for labellers in params.labellers.values() for name, model in labellers.items()
    }
    weights = {name: Weights(**of_policy) for name, (of_policy, _) in models.items()}
    hashes = {name: of_policy.hash() for name, of_policy in weights.items()}
    sampling, device = Sampling(**params.sampling), Device(params.device, gpus)
    loaded: dict[str, SamplingPolicy] = {
        name: load_policy(
            name, weights[name], Prompting(**prompting), sampling, device, params.seed
        )
        for name, (_, prompting) in models.items()
    }
    if len(params.labellers) == 1:
        return loaded, hashes
    return {name: CachedPolicy(policy) for name, policy in loaded.items()}, hashes
