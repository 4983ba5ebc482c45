"""Likelihood: the sample that a language model itself finds most probable, a control without reward
training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prmscale.engines.requests import Continuation, Strategy
from prmscale.search.samples import choose, draw, highest

Measure = Callable[[Continuation], float]
MEASURES: dict[str, Measure] = {
    "sum": lambda sample: sample.logprob,
    "mean": lambda sample: sample.logprob / max(sample.tokens, 1),
    "min": lambda sample: sample.min_logprob,
}


def likelihood(budgets: Sequence[int], measures: Mapping[str, Measure]) -> Strategy:
    """The sample with the highest sum, mean or minimum of its tokens' log-probabilities (nats,
    temperature 1).
    """
    samples = yield from draw(budgets[-1])
    for name, measure in measures.items():
        yield from choose(samples, budgets, highest([measure(sample) for sample in samples]), name)
