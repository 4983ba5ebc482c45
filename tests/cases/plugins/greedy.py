"""A tree strategy: the best of several candidates for each step."""

from prmscale.search import register_tree_strategy
from prmscale.search.tree import Forest


@register_tree_strategy("greedy", anytime=True)
def greedy(budget, aggregate, options):
    """Keep the candidate with the best score, step after step, until the solution is whole."""
    forest = Forest(aggregate)
    node = forest.plant()
    while not node.whole:
        children = yield from forest.widen(node, options.expansion)
        if not children:
            break  # the budget is spent
        node = max(children, key=lambda child: child.score)
    yield forest.incumbent(node if node.whole else None)
