"""The work of labelling. A method that may stop early is charged for all of its rollouts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from prmscale.cost.parts import ROW, TEXT, Job, Pass, Solutions, Workers


class Labelling:
    """The jobs of a study that label."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.study, self.plan, self.needs = workers.study, workers.plan, workers.needs

    def jobs(self) -> Iterator[Job]:
        """Binary searches first, because a consensus may need them too."""
        for search in self.plan.binary_searches():
            yield self._binary_search(*search)
        for policy, dataset, method in self.study.all_label_tables():
            if method == "omega":
                yield self._trees(policy, dataset)
            elif method == "consensus":
                stored = self._count_bytes(self.workers.labelling_solutions(policy, dataset))
                yield Job("filter_by_consensus", f"{policy}.{dataset}", stored=stored)
            elif method != "binary_search":
                yield self._labels(policy, dataset, method)
        for dataset in self.study.label_comparison_datasets():
            yield self._comparison(dataset)

    def tree(
        self, policy: str, solutions: Solutions, problems: float, k: int
    ) -> tuple[list[Pass], float]:
        """The work of growing OmegaPRM's trees, and the number of solutions in them: K rollouts of
        each problem, then K of each check of each search.
        """
        first = self.workers.write(policy, problems * k, k, solutions.prompt, solutions.length)
        checks = problems * self.study.labels.omega.searches * _count_checks(solutions)
        return [first, self._roll_out(policy, solutions, checks, k)], (problems + checks) * k

    def _labels(self, policy: str, dataset: str, method: str) -> Job:
        solutions, k = self.workers.labelling_solutions(policy, dataset), self.study.labels.rollouts
        name, stored = f"{policy}.{dataset}.{method}", self._count_bytes(solutions)
        if method == "oracle":
            return Job("label_solutions", name, stored=stored)
        prefixes = self._prefixes(solutions)
        work = self._roll_out(policy, solutions, prefixes, k)
        needs = tuple(self.needs.label(policy, method))
        programs = prefixes * k * solutions.programs
        return Job("label_solutions", name, (work,), needs, stored, programs)

    def _binary_search(self, labeller: str, policy: str, dataset: str) -> Job:
        solutions, k = self.workers.labelling_solutions(policy, dataset), self.study.labels.rollouts
        checks = self._checks(solutions)
        work = self._roll_out(labeller, solutions, checks, k)
        rule, by = "label_by_another", labeller
        if labeller == policy:
            rule, by = "label_solutions", "binary_search"
        needs = tuple(self.needs.sample(labeller))
        programs = checks * k * solutions.programs
        stored = self._count_bytes(solutions)
        return Job(rule, f"{policy}.{dataset}.{by}", (work,), needs, stored, programs)

    def _trees(self, policy: str, dataset: str) -> Job:
        labels, solutions = self.study.labels, self.workers.labelling_solutions(policy, dataset)
        problems = solutions.count / labels.solutions
        passes, grown = self.tree(policy, solutions, problems, labels.rollouts)
        needs = tuple(self.needs.label(policy, "omega"))
        labels_of_all = self._count_bytes(replace(solutions, count=grown))
        stored = grown * (solutions.length * TEXT + ROW) + labels_of_all
        programs = grown * solutions.programs
        return Job("label_by_tree", f"{policy}.{dataset}", tuple(passes), needs, stored, programs)

    def _comparison(self, dataset: str) -> Job:
        """Labelling the problems on which methods are compared.

        Methods share a policy's rollouts from a prefix. Those of a fixed number hold all rollouts
        of the writer; a tree starts from other prefixes, and a consensus has other labellers.
        """
        labels, compared = self.study.labels, self.study.labels.compare
        problems = min(compared.problems, self.study.dataset(dataset).train)
        solutions = self.workers.solutions(labels.policy, dataset, problems * labels.solutions)
        methods, k = compared.methods, compared.rollouts
        labellers = self.plan.labellers(labels.policy, *(m for m in methods if m != "omega"))
        all_prefixes = {"monte_carlo", "adaptive"}.intersection(methods)
        passes = []
        for name in labellers:
            whole = all_prefixes and name == labels.policy
            prefixes = self._prefixes(solutions) if whole else self._checks(solutions)
            passes.append(self._roll_out(name, solutions, prefixes, k))
        if "omega" in methods:
            passes += self.tree(labels.policy, solutions, problems, k)[0]
        needs = tuple(self.needs.label(labels.policy, *methods))
        stored = len(methods) * self._count_bytes(solutions)
        return Job("compare_labels", dataset, tuple(passes), needs, stored)

    def _prefixes(self, solutions: Solutions) -> float:
        """Distinct prefixes of these solutions: rollouts start after every step but the last."""
        each = max(solutions.steps - 1, 0) * self.study.cost.distinct_prefixes
        return solutions.count * each

    def _checks(self, solutions: Solutions) -> float:
        """Prefixes that binary searches roll out if all solutions are wrong, each prefix once."""
        return min(self._prefixes(solutions), solutions.count * _count_checks(solutions))

    def _roll_out(self, policy: str, solutions: Solutions, prefixes: float, k: int) -> Pass:
        """K rollouts from each prefix, which write half of a solution on average."""
        half = solutions.length / 2
        return self.workers.write(policy, prefixes * k, k, solutions.half, half)

    @staticmethod
    def _count_bytes(solutions: Solutions) -> float:
        """Bytes of the labels of these solutions."""
        return solutions.count * solutions.steps * ROW


def _count_checks(solutions: Solutions) -> int:
    """Prefixes that one binary search for the first error rolls out: log2 of the steps."""
    return math.ceil(math.log2(max(solutions.steps, 2)))
