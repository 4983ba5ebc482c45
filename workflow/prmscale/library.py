"""The study's parts from a notebook: score, search and label one problem of your own.

`docs/library.md` shows each in a few lines. A study with many problems belongs in a configuration:
there jobs are batched, resumed and their results kept. `plugins.load(FILE)` adds strategies and PRM
formats of your own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pydantic import ValidationError

from prmscale import seeds
from prmscale.engines import models
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.backends.released_scorer import ReleasedScorer
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.policy import SamplingPolicy
from prmscale.engines.requests import Extension
from prmscale.engines.scheduler import Run, run
from prmscale.engines.scorer import StepScorer
from prmscale.errors import UserError
from prmscale.labels.monte_carlo import monte_carlo
from prmscale.search import TREE_STRATEGIES
from prmscale.study import (
    Domain,
    Prompting,
    ReleasedRewardModel,
    Sampling,
    StepRule,
    TreeSearch,
    list_names,
)
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Grade, Prefix, Problem
from prmscale.tasks.grading import math_answers

_SAMPLES = 4  # they tell what a sample of a problem costs on average


class Found(NamedTuple):
    """The answer of a search: its text, its steps, their scores, and the tokens that the search
    generated. Without a whole solution within the budget, `text` is empty.
    """

    text: str
    steps: Prefix
    scores: list[float]
    tokens: int


def load_prm(
    folder: str | Path, format: str | None = None, device: str = "cpu", **settings: str
) -> StepScorer:
    """A process reward model: a folder that prmscale trained, or with `format` (such as qwen) a
    released model's folder or hub name.

    `settings` are other keys of `rewards.released`, such as `reference`. Raises UserError if it
    cannot be loaded or does not fit the format.
    """
    if format is None:
        return models.load_scorer(folder, models.Device(device))
    known = list_names("format")
    if format not in known:
        raise UserError(f"format {format!r} is unknown; possible: {', '.join(known)}")
    described = {"name": "prm", "model": str(folder), "format": format, **settings}
    try:
        released = ReleasedRewardModel.model_validate(described)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))} {e['msg']}".strip() for e in error.errors()]
        raise UserError(f"load_prm: {'; '.join(faults)}") from error
    return ReleasedScorer(released, device)


def load_policy(
    folder: str | Path,
    prompting: Prompting = Prompting(style="chat"),  # noqa: B008 (frozen)
    sampling: Sampling = Sampling(max_tokens=512, batch=64),  # noqa: B008
    device: str = "cpu",
    seed: int = 0,
) -> SamplingPolicy:
    """A causal language model of a Hugging Face folder or hub name, asked by its chat template
    unless `prompting` says otherwise.
    """
    return models.load_policy("policy", folder, prompting, sampling, models.Device(device), seed)


def score(
    prm: StepScorer, prompt: str, solution: str | Sequence[str], steps: StepRule = "line"
) -> list[float]:
    """The probability, for each step, that the solution is right up to and including it.

    A text is split into steps by the rule `steps`; a sequence is taken as the steps themselves.
    """
    (scored,) = prm.score([(_problem(prompt), _split(solution, steps))])
    return [float(each) for each in scored.scores]


def search(
    policy: SamplingPolicy,
    prm: StepScorer,
    prompt: str,
    strategy: str = "beam",
    budget: int = 8,
    options: TreeSearch = TreeSearch(),  # noqa: B008 (frozen)
) -> Found:
    """Search step by step for a solution of one problem, guided by the reward model.

    `strategy` is a name of `search.tree.strategies` (beam, lookahead, dvts,
    particle_filtering, mcts, puct); `budget` counts samples' worth of generated tokens, as in the
    study, by the mean of a few samples. Equal seeds give equal answers.
    """
    if strategy not in TREE_STRATEGIES:
        raise UserError(f"strategy {strategy!r} is unknown; possible: {', '.join(TREE_STRATEGIES)}")
    problem, cached = _problem(prompt), CachedPolicy(policy)
    (samples,) = cached.extend([Extension(problem, (), _SAMPLES, 0, "end")])
    limit = max(1.0, budget * sum(each.tokens for each in samples) // len(samples))
    aggregate = AGGREGATIONS[options.aggregations[0]]
    start = TREE_STRATEGIES[strategy].start(budget, aggregate, options)
    (done,) = run([Run(problem, start, budget, limit)], cached, prm, seed=policy.seed)
    tokens = round(done.ledger.cost.policy_tokens)
    picks = done.choices[-1].choice.picks if done.choices else []
    if not picks:
        return Found("", (), [], tokens)
    steps = picks[0][0].steps
    (scored,) = prm.score([(problem, steps)])
    return Found(step_text.join(steps), steps, [float(each) for each in scored.scores], tokens)


def label(
    policy: SamplingPolicy,
    prompt: str,
    solution: str | Sequence[str],
    is_right: Callable[[str], bool],
    rollouts: int = 8,
) -> pd.DataFrame:
    """Monte-Carlo labels of a solution's steps: a row a step with the columns of a `labels` table.

    From each step's prefix the policy writes `rollouts` solutions; `value` is the share of them
    that `is_right` accepts (the whole text is given), `label` is 1 if any is right. `solution`
    counts as ended by its policy: its last step is judged without rollouts.
    """
    problem = _problem(prompt)
    steps = _split(solution, policy.prompting.step_rule(problem.domain))

    def grade(problems: Sequence[Problem], solutions: Sequence[Prefix]) -> list[Grade]:
        return [Grade(None, bool(is_right(step_text.join(each)))) for each in solutions]

    (done,) = run([(problem, monte_carlo([steps], [True], rollouts))], policy, grader=grade)
    estimates = [done.result[steps[: number + 1]] for number in range(len(steps))]
    return pd.DataFrame(
        {
            "step": range(len(steps)),
            "text": steps,
            "rollouts": [each.rollouts for each in estimates],
            "successes": [each.successes for each in estimates],
            "value": [each.value for each in estimates],
            "label": [int(each.label) for each in estimates],
            "tokens_spent": [each.tokens for each in estimates],
        }
    )


def has_answer(reference: str) -> Callable[[str], bool]:
    """Whether a math solution's final answer equals the reference, by the rules of
    `prmscale/tasks/grading/math_answers.py`.
    """

    def is_right(text: str) -> bool:
        answer = math_answers.extract(text)
        return answer is not None and math_answers.compare([(reference, answer)])[0]

    return is_right


def _problem(prompt: str, domain: Domain = "math") -> Problem:
    """A problem of this text alone; its id, which random draws depend on, is made of the text."""
    name = f"library/test/{seeds.seed_of(domain, prompt)}"
    return Problem(name, domain, "test", prompt, None, None, 0, "library", "none")


def _split(solution: str | Sequence[str], rule: StepRule) -> Prefix:
    return tuple(step_text.split(solution, rule) if isinstance(solution, str) else solution)
