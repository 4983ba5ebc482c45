"""A strategy over samples: the shortest solution, a control that reads nothing."""

from prmscale.search import register_strategy
from prmscale.search.samples import choose, draw, highest


@register_strategy("shortest", scored=False)
def shortest(budgets):
    """The sample with the fewest steps, at each budget."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, budgets, highest([-len(each.steps) for each in samples]))
