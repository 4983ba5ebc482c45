"""Binary search for the first error: O(log steps) checks a solution.

OmegaPRM (arXiv 2406.06592) and step 2 of ASLAF (arXiv 2506.00027). A step is right as long as the
policy can still reach a right answer from it, so right steps never follow wrong ones: a prefix that
is found right proves all shorter prefixes, and a right solution proves all of its steps. A
solution's first error lies between its longest prefix known to be right and the shortest longer
prefix known to be wrong. All solutions of a problem share what is known, so a check of one of them
serves the others too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from prmscale.engines.requests import Strategy
from prmscale.labels.adaptive import Decision, decide, judge_whole
from prmscale.labels.monte_carlo import Estimate, prefixes_of
from prmscale.tasks.base import Prefix


def binary_search(
    solutions: Sequence[Prefix], complete: Sequence[bool], rollouts: int, decision: Decision
) -> Strategy:
    """Label every prefix of these solutions of one problem; returns {prefix: Estimate}.

    A check spends at most `rollouts`, and fewer where `decision` is made earlier. Prefixes that
    were not checked have no rollouts; their labels follow from the other prefixes.
    """
    checked = yield from judge_whole(solutions, complete)
    while middles := _next_checks(solutions, checked):
        checked |= yield from decide(middles, rollouts, decision)
    right = prove(checked)
    spent = {prefix: checked.get(prefix, Estimate(0, 0, 0)) for prefix in prefixes_of(solutions)}
    return {prefix: replace(e, right=prefix in right) for prefix, e in spent.items()}


def prove(checked: Mapping[Prefix, Estimate]) -> set[Prefix]:
    """All prefixes of the prefixes that were found right."""
    right = [prefix for prefix, estimate in checked.items() if estimate.label]
    return {prefix[:n] for prefix in right for n in range(len(prefix) + 1)}


def next_check(
    steps: Prefix, checked: Mapping[Prefix, Estimate], right: Set[Prefix]
) -> Prefix | None:
    """The next prefix of a solution to check; None where its first error, or none, is located.

    `right` are the prefixes that `checked` proves.
    """
    low = max(n for n in range(len(steps) + 1) if steps[:n] in right or n == 0)
    high = next((n for n in range(low + 1, len(steps) + 1) if steps[:n] in checked), len(steps) + 1)
    return steps[: (low + high) // 2] if high - low > 1 else None


def _next_checks(solutions: Sequence[Prefix], checked: Mapping[Prefix, Estimate]) -> list[Prefix]:
    """The next check of each solution whose first error is not located yet; each prefix once."""
    right = prove(checked)
    found = (next_check(tuple(solution), checked, right) for solution in solutions)
    return list(dict.fromkeys(prefix for prefix in found if prefix is not None))
