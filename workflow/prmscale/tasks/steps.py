"""Step boundaries: the one place that splits, joins and marks the steps of a solution.

A step is a line that is not blank. Labelling, training, scoring and search all go through this module, so that
the number of scores always equals the number of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STEP_END = "\n"


def split(text: str) -> list[str]:
    """The steps of a solution: its lines without the blank ones; indentation (code) is kept."""
    return [line.rstrip() for line in text.split(STEP_END) if line.strip()]


def in_line(step: str) -> str:
    """The text of someone else's step as a step of ours: what stands on several lines, on one."""
    return " ".join(line.strip() for line in step.split(STEP_END) if line.strip())


def join(steps: Sequence[str]) -> str:
    """The text of these steps, each closed by the step end."""
    return "".join(step + STEP_END for step in steps)


def encode(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str], special: bool = True
) -> tuple[list[int], list[int]]:
    """Token ids of a prompt with its steps, and the index of each step's last token (its step end).

    Each step is tokenised by itself, so that a boundary never falls inside a token. Without `special` the tokenizer
    adds no tokens of its own: a chat template brings them.
    """
    ids = [*_tokens(tokenizer, prompt.rstrip() + STEP_END, special)]
    ends = []
    for step in steps:
        ids += _tokens(tokenizer, step + STEP_END, False)
        ends.append(len(ids) - 1)
    return ids, ends


@lru_cache(maxsize=1 << 16)  # a search meets the same prompts and steps over and over
def _tokens(tokenizer: PreTrainedTokenizerBase, text: str, special: bool) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=special)["input_ids"])


class Encoded(NamedTuple):
    """A solution as a reward model reads it: token ids, each step's last token, and the solution's first token."""

    ids: list[int]
    ends: list[int]
    start: int


def encode_solution(tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]) -> Encoded:
    """`encode`, and where the prompt ends: the prompt is tokenised by itself there, so its length is known."""
    return Encoded(*encode(tokenizer, prompt, steps), start=len(encode(tokenizer, prompt, ())[0]))
