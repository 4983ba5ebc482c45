"""Scores steps with process reward models that others have released, each as its authors read it.

A format says how a solution is written for the model and at which tokens its judgement stands;
there is always one score a step. Sources: the model cards of math-shepherd-mistral-7b-prm,
Llama3.1-8B-PRM-*-Data, Skywork-o1-Open-PRM-* and Qwen2.5-Math-PRM-*, with
github.com/RLHFlow/RLHF-Reward-Modeling (math-rm/prm_evaluate.py),
github.com/SkyworkAI/skywork-o1-prm-inference (io_utils.py) and TRL's PRMTrainer (tokenize_row).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.backends.released_heads import (
    QwenProcessRewardModel,
    SkyworkProcessRewardModel,
)
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.errors import UserError
from prmscale.study import ReleasedRewardModel
from prmscale.tasks.base import Problem
from prmscale.tasks.steps import Encoded

SHEPHERD_TAG = "ки"
_NUMBERED = re.compile(
    r"^\s*(?:#{1,6}\s*)?(?:\*\*|__)?step\s*\d+\s*(?:\*\*|__)?\s*[:.]?\s*(?:\*\*|__)?\s*",
    re.IGNORECASE,
)
QWEN_TAG = "<extra_0>"
QWEN_SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."


class ReleasedScorer(TransformersScorer):
    """A released process reward model; scores are its probabilities that each step is right."""

    def __init__(
        self, released: ReleasedRewardModel, device: str, batch_tokens: int = 16384
    ) -> None:
        self.released, self.format = released, FORMATS[released.format]
        super().__init__(released.model, device, batch_tokens)

    def load(self, folder: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The model, with logits of the classes wrong and right or of right alone, and its
        tokenizer.
        """
        options = {"revision": self.released.revision}
        tokenizer = load_pretrained(AutoTokenizer, folder, **options)
        model, found = load_pretrained(
            self.format.model,
            folder,
            dtype=getattr(torch, self.released.dtype),
            output_loading_info=True,
            **options,
        )
        if found["missing_keys"]:
            self._unfit(f"it has no weights {', '.join(sorted(found['missing_keys']))}")
        if self.format.model is AutoModelForCausalLM:
            _judge_by_words(model, [self._token("-", tokenizer), self._token("+", tokenizer)])
        elif self.released.format == "trl" and model.config.num_labels != 2:
            self._unfit(f"it has {model.config.num_labels} classes and not two")
        return model, tokenizer

    def encode(self, problem: Problem, steps: Sequence[str]) -> Encoded:
        """The solution as the model reads it; raises UserError unless there is one place to read
        for each step.
        """
        read = [step.strip("\n").rstrip() for step in steps]
        found = self.format.encode(self.tokenizer, problem.prompt, read, self.released.separator)
        if len(found.ends) != len(steps):
            self._unfit(
                f"{problem.problem_id}: {len(steps)} steps but {len(found.ends)} places to read a "
                "score; a step may hold the format's mark, or the model's chat template may not "
                "be the published one"
            )
        return found

    def _token(self, word: str, tokenizer: PreTrainedTokenizerBase) -> int:
        ids: list[int] = tokenizer.encode(word, add_special_tokens=False)
        if not ids or ids[-1] == tokenizer.unk_token_id:
            self._unfit(f"its tokenizer has no token for {word!r}")
        return ids[-1]

    def _unfit(self, what: str) -> NoReturn:
        released = self.released
        raise UserError(
            f"rewards.released: {released.name} ({released.model}, format {released.format}): "
            f"{what}"
        )


def _judge_by_words(model: PreTrainedModel, tokens: Sequence[int]) -> None:
    """Leave of a language model's head the rows of these words alone: its logits become theirs, in
    this order.
    """
    whole = model.get_output_embeddings()
    head = nn.Linear(
        whole.in_features,
        len(tokens),
        bias=False,
        device=whole.weight.device,
        dtype=whole.weight.dtype,
    )
    head.weight.data = whole.weight.data[list(tokens)].clone()
    model.set_output_embeddings(head)


def math_shepherd(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str], separator: str | None
) -> Encoded:
    """`question Step 1: step ки⏎Step 2: step ки`, tokenised as one text; read at each tag (arXiv
    2312.08935).

    The model was trained on numbered steps alone: those of others are given their numbers.
    """
    tag = tokenizer.encode(SHEPHERD_TAG, add_special_tokens=False)[-1]
    numbered = [f"Step {i}: {_NUMBERED.sub('', step, count=1)}" for i, step in enumerate(steps, 1)]
    ids = tokenizer.encode(f"{prompt} " + "\n".join(f"{step} {SHEPHERD_TAG}" for step in numbered))
    return _at_tags(ids, tag, len(tokenizer.encode(prompt)))


def rlhflow(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str], separator: str | None
) -> Encoded:
    """A chat in which the user says each step and the assistant +; read where the + is predicted."""
    said = [f"{prompt} {step}" if i == 0 else step for i, step in enumerate(steps)]
    chat = [
        m
        for text in said
        for m in ({"role": "user", "content": text}, {"role": "assistant", "content": "+"})
    ]
    ids = _chat(tokenizer, chat or [{"role": "user", "content": prompt}])
    plus = tokenizer.encode("+", add_special_tokens=False)[-1]
    ends = []
    for i in range(len(steps)):
        before = _chat(tokenizer, chat[: 2 * i + 1], add_generation_prompt=True)
        if ids[: len(before) + 1] == [*before, plus]:
            ends.append(len(before) - 1)
    return Encoded(ids, ends, len(_chat(tokenizer, [{"role": "user", "content": prompt}])))


def skywork(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str], separator: str | None
) -> Encoded:
    """Problem and steps, tokenised one by one, each with a line end; read at each step's line end."""
    start = tokenizer.encode(f"{tokenizer.bos_token or ''}{prompt}\n")
    line_end = tokenizer.encode("\n")[-1:]
    return _one_by_one(start, [tokenizer.encode(step) + line_end for step in steps])


def qwen(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str], separator: str | None
) -> Encoded:
    """A chat in which the assistant's answer has <extra_0> after each step; read at each of them."""
    asked = [{"role": "system", "content": QWEN_SYSTEM}, {"role": "user", "content": prompt}]
    answer = {"role": "assistant", "content": "".join(step + QWEN_TAG for step in steps)}
    tag = tokenizer.encode(QWEN_TAG, add_special_tokens=False)[0]
    return _at_tags(_chat(tokenizer, [*asked, answer]), tag, len(_chat(tokenizer, asked)))


def trl(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str], separator: str | None
) -> Encoded:
    r"""Prompt and steps, tokenised one by one, each step closed by the separator ("\n" unless set); read at its end."""
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    start += tokenizer.encode(prompt, add_special_tokens=False)
    closed = tokenizer.encode("\n" if separator is None else separator, add_special_tokens=False)
    return _one_by_one(
        start, [tokenizer.encode(step, add_special_tokens=False) + closed for step in steps]
    )


def _at_tags(ids: list[int], tag: int, start: int) -> Encoded:
    """Read at every tag; the prompt ends before the first of them at the latest."""
    ends = [i for i, token in enumerate(ids) if token == tag]
    return Encoded(ids, ends, min([start, *ends]))


def _one_by_one(start: Sequence[int], steps: Sequence[Sequence[int]]) -> Encoded:
    """Read at each step's last token."""
    ids, ends = list(start), []
    for step in steps:
        ids += step
        ends.append(len(ids) - 1)
    return Encoded(ids, ends, len(start))


def _chat(
    tokenizer: PreTrainedTokenizerBase,
    messages: list[dict[str, str]],
    add_generation_prompt: bool = False,
) -> list[int]:
    """Token ids of a chat; the template writes the special tokens."""
    text = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=add_generation_prompt
    )
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


class Format(NamedTuple):
    """How models of a kind are loaded, and how a solution is written for them."""

    model: Any
    encode: Callable[[PreTrainedTokenizerBase, str, Sequence[str], str | None], Encoded]


FORMATS = {
    "math_shepherd": Format(AutoModelForCausalLM, math_shepherd),
    "rlhflow": Format(AutoModelForCausalLM, rlhflow),
    "skywork": Format(SkyworkProcessRewardModel, skywork),
    "qwen": Format(QwenProcessRewardModel, qwen),
    "trl": Format(AutoModelForTokenClassification, trl),
}
