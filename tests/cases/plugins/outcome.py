"""A label method: every step is as right as its solution. No rollouts."""

from prmscale.engines.requests import Judge
from prmscale.labels.methods import register_label_method
from prmscale.labels.monte_carlo import Estimate, as_ended


@register_label_method("outcome")
def outcome(solutions, complete, rollouts, decision):
    """Label every step by the outcome of the first solution that contains it."""
    right = yield Judge([as_ended(solution) for solution in solutions])
    estimates = {}
    for solution, is_right in zip(solutions, right, strict=True):
        for end in range(1, len(solution) + 1):
            estimates.setdefault(solution[:end], Estimate(0, 0, 0, right=bool(is_right)))
    return estimates
