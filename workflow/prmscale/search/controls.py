"""Strategies without a reward model: the controls that one must beat, and the upper bound (oracle).

All draw the largest budget's samples and choose among them (see `prmscale.search.samples`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from prmscale.engines.requests import Continuation, Judge, Read, Strategy
from prmscale.search.samples import choose, draw, highest

Measure = Callable[[Continuation], float]
MEASURES: dict[str, Measure] = {
    "sum": lambda sample: sample.logprob,
    "mean": lambda sample: sample.logprob / max(sample.tokens, 1),
    "min": lambda sample: sample.min_logprob,
}


def one_sample(budgets: Sequence[int]) -> Strategy:
    """Pass@1: the first sample, averaged over all samples of the largest budget; budget 1 alone."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, [1], lambda group: group)


def random_choice(budgets: Sequence[int]) -> Strategy:
    """A uniform choice among the n samples (its expectation is recorded)."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, budgets, lambda group: group)


def majority(budgets: Sequence[int]) -> Strategy:
    """The most common final answer (self-consistency, Wang et al. 2023, arXiv 2203.11171).

    Ties are broken uniformly; a sample with the winning answer represents it. An answer to a code
    problem is the program's behaviour on the examples in the prompt (`tasks.votes`). Programs that
    behave alike there may differ on hidden tests, so each of them is equally likely to be picked.
    """
    samples = yield from draw(budgets[-1])
    answers = yield Read(samples)

    def select(group: list[int]) -> list[int]:
        votes = Counter(answers[i] for i in group if answers[i] is not None)
        top = max(votes.values(), default=0)
        winners = [i for i in group if answers[i] is not None and votes[answers[i]] == top]
        return winners or group

    yield from choose(samples, budgets, select)


def likelihood(budgets: Sequence[int], measures: Mapping[str, Measure]) -> Strategy:
    """The sample that a language model finds most probable.

    A measure is the sum, mean or minimum of the tokens' log-probabilities (nats, temperature 1).
    """
    samples = yield from draw(budgets[-1])
    for name, measure in measures.items():
        yield from choose(samples, budgets, highest([measure(sample) for sample in samples]), name)


def self_certainty(budgets: Sequence[int]) -> Strategy:
    """The sample whose next-token distributions diverge most from uniform (arXiv 2502.18581)."""
    samples = yield from draw(budgets[-1])
    yield from choose(samples, budgets, highest([sample.self_certainty for sample in samples]))


def oracle(budgets: Sequence[int]) -> Strategy:
    """Pass@n: a correct sample if there is one; the upper bound of every choice among samples."""
    samples = yield from draw(budgets[-1])
    correct = yield Judge(samples)
    yield from choose(samples, budgets, highest(correct))
