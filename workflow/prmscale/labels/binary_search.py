"""Binary search for the first error (OmegaPRM, arXiv 2406.06592; step 2 of ASLAF): O(log steps)
checks a solution.

A step is right as long as the policy can still reach a right answer from it, so that right steps
never follow wrong ones: whatever prefix is found right proves those before it, and a right solution
proves all of its own. A solution's first error then lies between the longest of its prefixes known
to be right and the shortest longer one known to be wrong. Both are known for all solutions of a
problem together: what one of them pays for, the others reuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from prmscale.engines.requests import Strategy
from prmscale.labels.adaptive import Decision, decide, known_ends
from prmscale.labels.monte_carlo import Estimate, prefixes_of
from prmscale.tasks.base import Prefix


def binary_search(
    solutions: Sequence[Prefix], complete: Sequence[bool], rollouts: int, decision: Decision
) -> Strategy:
    """Label every prefix of these solutions of one problem; returns {prefix: Estimate}.

    Each check spends at most `rollouts`, fewer where `decision` is made before. Prefixes that were
    never checked have no rollouts and the label that follows from the others.
    """
    checked = yield from known_ends(solutions, complete)
    while middles := _middles(solutions, checked):
        checked |= yield from decide(middles, rollouts, decision)
    right = proved(checked)
    spent = {p: checked.get(p, Estimate(0, 0, 0)) for p in prefixes_of(solutions)}
    return {p: Estimate(e.rollouts, e.successes, e.tokens, p in right) for p, e in spent.items()}


def proved(checked: Mapping[Prefix, Estimate]) -> set[Prefix]:
    """All prefixes of those found right."""
    return {p[:n] for p, e in checked.items() if e.label for n in range(len(p) + 1)}


def next_check(
    steps: Prefix, checked: Mapping[Prefix, Estimate], right: Set[Prefix]
) -> Prefix | None:
    """The next prefix to check of a solution; None where its first error, or that there is none, is
    known.

    `right` are the prefixes proved by `checked`.
    """
    low = max(n for n in range(len(steps) + 1) if steps[:n] in right or n == 0)
    high = next((n for n in range(low + 1, len(steps) + 1) if steps[:n] in checked), len(steps) + 1)
    return steps[: (low + high) // 2] if high - low > 1 else None


def _middles(solutions: Sequence[Prefix], checked: Mapping[Prefix, Estimate]) -> list[Prefix]:
    """The next prefix to check of each solution whose first error is not located yet, each once."""
    right = proved(checked)
    found = (next_check(tuple(solution), checked, right) for solution in solutions)
    return list(dict.fromkeys(prefix for prefix in found if prefix is not None))
