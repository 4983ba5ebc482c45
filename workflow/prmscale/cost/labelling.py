"""The work of labelling. A method that may stop early is charged for all of its rollouts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from prmscale.cost.parts import ROW, TEXT, Job, Pass, Solutions, Workers
from prmscale.plan.labelling import LabelJob, list_label_jobs
from prmscale.study import READS


class Labelling:
    """The jobs of a study that label."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.study, self.plan, self.needs = workers.study, workers.plan, workers.needs

    def jobs(self) -> Iterator[Job]:
        """Labels by rollouts first, because several readings may need them."""
        for labelling in list_label_jobs(self.plan):
            yield self._labels(labelling)
        for policy, dataset, method in self.study.all_label_tables():
            stored = self._count_bytes(self.workers.labelling_solutions(policy, dataset))
            name = f"{policy}.{dataset}.{method}"
            if method == "omega":
                yield self._trees(policy, dataset)
            elif method == "oracle":
                yield Job("label_solutions", name, stored=stored)
            elif method in READS:
                yield Job("read_labels", name, stored=stored)
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

    def _labels(self, labelling: LabelJob) -> Job:
        """K rollouts from every prefix, or from the checks of binary searches."""
        labeller, policy, dataset, method = labelling
        solutions, k = self.workers.labelling_solutions(policy, dataset), self.study.labels.rollouts
        is_search = method == "binary_search"
        prefixes = self._checks(solutions) if is_search else self._prefixes(solutions)
        work = self._roll_out(labeller, solutions, prefixes, k)
        rule, by = "label_by_another" if is_search else "label_by_prover", labeller
        if labeller == policy:
            rule, by = "label_solutions", method
        needs = tuple(self.needs.sample(labeller))
        programs = prefixes * k * solutions.programs
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
        rolling = [m for m in methods if READS.get(m, m) in ("monte_carlo", "adaptive")]
        of_prefixes = self.plan.labellers(labels.policy, *rolling)
        passes = []
        for name in labellers:
            whole = name in of_prefixes
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
