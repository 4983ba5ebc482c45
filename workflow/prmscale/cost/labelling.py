"""The work of labelling: rollouts of every method, in full."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from prmscale.cost.parts import ROW, TEXT, Job, Pass, Solutions, Workers


class Labelling(Workers):
    """Jobs that label. A method that may stop early is charged as if it never did."""

    def _label_jobs(self) -> Iterator[Job]:
        for search in self._searches():
            yield self._search_labels(*search)
        for policy, dataset, method in self.study.labelled():
            if method == "omega":
                yield self._tree_labels(policy, dataset)
            elif method == "consensus":
                s = self._for_labelling(dataset, policy)
                yield Job("filter_by_consensus", f"{policy}.{dataset}", (), s.count * s.steps * ROW)
            elif method != "binary_search":
                yield self._labels(policy, dataset, method)
        for dataset in self.study.labels_compared_on():
            yield self._comparison(dataset)

    def _searches(self) -> list[tuple[str, str, str]]:
        """Writer, data set and labeller of every search for first errors, each once whoever asks
        for it.
        """
        found = []
        for policy, dataset, method in self.study.labelled():
            by = {"binary_search": [policy], "consensus": self.study.labels.consensus}.get(
                method, []
            )
            found += [(policy, dataset, labeller) for labeller in by]
        return list(dict.fromkeys(found))

    def _labels(self, policy: str, dataset: str, method: str) -> Job:
        s, labels = self._for_labelling(dataset, policy), self.study.labels
        name, stored = f"{policy}.{dataset}.{method}", s.count * s.steps * ROW
        if method == "oracle":
            return Job("label_solutions", name, (), stored)
        work, rollouts = self._rollouts(policy, s, self._prefixes(s), labels.rollouts)
        return Job("label_solutions", name, (work,), stored, rollouts * s.programs)

    def _search_labels(self, policy: str, dataset: str, labeller: str) -> Job:
        s = self._for_labelling(dataset, policy)
        work, rollouts = self._rollouts(labeller, s, self._checks(s), self.study.labels.rollouts)
        own = labeller == policy
        name = f"{policy}.{dataset}.binary_search" if own else f"{policy}.{dataset}.{labeller}"
        rule = "label_solutions" if own else "label_by_another"
        return Job(rule, name, (work,), s.count * s.steps * ROW, rollouts * s.programs)

    def _prefixes(self, s: Solutions) -> float:
        """Distinct prefixes of so many solutions: rollouts start after every step but the last."""
        return s.count * max(s.steps - 1, 0) * self.study.cost.distinct_prefixes

    def _checks(self, s: Solutions) -> float:
        """Prefixes that binary search rolls out, none of them twice: log2(steps) of each solution,
        if all are wrong.
        """
        return min(self._prefixes(s), s.count * math.ceil(math.log2(max(s.steps, 2))))

    def _rollouts(self, policy: str, s: Solutions, prefixes: float, k: int) -> tuple[Pass, float]:
        """K rollouts from each prefix, with on average half of the solution still to write, and
        their number.
        """
        rollouts = prefixes * k
        return self._write(policy, rollouts, k, s.prompt + s.length / 2, s.length / 2), rollouts

    def _tree(self, policy: str, s: Solutions, problems: float, k: int) -> tuple[list[Pass], float]:
        """OmegaPRM's trees in full, and their solutions: rollouts of the problem, then of all
        searches' checks.
        """
        first = self._write(policy, problems * k, k, s.prompt, s.length)
        states = problems * self.study.labels.omega.searches * math.ceil(math.log2(max(s.steps, 2)))
        work, rollouts = self._rollouts(policy, s, states, k)
        return [first, work], rollouts + problems * k

    def _tree_labels(self, policy: str, dataset: str) -> Job:
        labels, s = self.study.labels, self._for_labelling(dataset, policy)
        passes, solutions = self._tree(policy, s, s.count / labels.solutions, labels.rollouts)
        stored = solutions * (s.length * TEXT + ROW + s.steps * ROW)
        return Job(
            "label_by_tree", f"{policy}.{dataset}", tuple(passes), stored, solutions * s.programs
        )

    def _comparison(self, dataset: str) -> Job:
        """Rollouts of the problems compared. Methods share the draws of a policy from a prefix:
        those of a fixed number hold all of the writer's; a tree's start elsewhere, and a consensus
        has other labellers.
        """
        labels, methods = self.study.labels, self.study.labels.compare.methods
        problems, k = (
            min(labels.compare.problems, self.study.dataset(dataset).train),
            labels.compare.rollouts,
        )
        s = replace(self._for_labelling(dataset, labels.policy), count=problems * labels.solutions)
        passes = []
        others = set(labels.consensus) if "consensus" in methods else set()
        if {"monte_carlo", "adaptive"} & set(methods):
            passes.append(self._rollouts(labels.policy, s, self._prefixes(s), k)[0])
        elif "binary_search" in methods or labels.policy in others:
            passes.append(self._rollouts(labels.policy, s, self._checks(s), k)[0])
        passes += [
            self._rollouts(name, s, self._checks(s), k)[0]
            for name in sorted(others - {labels.policy})
        ]
        passes += self._tree(labels.policy, s, problems, k)[0] if "omega" in methods else []
        return Job("compare_labels", dataset, tuple(passes), len(methods) * s.count * s.steps * ROW)
