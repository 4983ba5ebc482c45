"""Scores steps with released process reward models, each as its authors read it.

A `Format` of `FORMATS` defines how a solution is written for the model and at which tokens the
scores are read; there is always one score per step. Sources: the model cards of
math-shepherd-mistral-7b-prm, Llama3.1-8B-PRM-*-Data, Skywork-o1-Open-PRM-* and Qwen2.5-Math-PRM-*,
with github.com/RLHFlow/RLHF-Reward-Modeling (math-rm/prm_evaluate.py),
github.com/SkyworkAI/skywork-o1-prm-inference (io_utils.py) and TRL's PRMTrainer (tokenize_row).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NoReturn

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


class Format(ABC):
    """How a family of released models is loaded, and how a solution is written for it.

    `model` is the class whose `from_pretrained` loads the weights. The model must return logits of
    the classes wrong and right, or of right alone, after `prepare`.
    """

    model: Any

    def __init__(self, released: ReleasedRewardModel) -> None:
        self.released = released

    def prepare(  # noqa: B027  (most formats need nothing)
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> None:
        """Check or change the loaded model."""

    @abstractmethod
    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The solution as the model reads it, with the token at which each step is scored."""

    def refuse(self, reason: str) -> NoReturn:
        """Raise UserError that names the model and the reason."""
        released = self.released
        raise UserError(
            f"rewards.released: {released.name} ({released.model}, format {released.format}): "
            f"{reason}"
        )


class ReleasedScorer(TransformersScorer):
    """A released process reward model; scores are its probabilities that each step is right."""

    def __init__(
        self, released: ReleasedRewardModel, device: str, batch_tokens: int = 16384
    ) -> None:
        self.released, self.format = released, FORMATS[released.format](released)
        super().__init__(released.model, device, batch_tokens)

    def load(self, folder: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The model, prepared by its format, and its tokenizer."""
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
            self.format.refuse(f"it has no weights {', '.join(sorted(found['missing_keys']))}")
        self.format.prepare(model, tokenizer)
        return model, tokenizer

    def encode(self, problem: Problem, steps: Sequence[str]) -> Encoded:
        """The solution as the model reads it.

        Raises UserError unless the format finds one place to read for each step.
        """
        texts = [step.strip("\n").rstrip() for step in steps]
        encoded = self.format.encode(self.tokenizer, problem.prompt, texts)
        if len(encoded.ends) != len(steps):
            self.format.refuse(
                f"{problem.problem_id}: {len(steps)} steps but {len(encoded.ends)} places to read "
                "a score; a step may hold the format's mark, or the model's chat template may not "
                "be the published one"
            )
        return encoded


class _ScoredByWords(Format):
    """A language model that scores a step by its next-token probabilities of + and -."""

    model = AutoModelForCausalLM

    def prepare(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Keep the rows of - and + of the language model's head: wrong and right."""
        tokens = [self._token(word, tokenizer) for word in ("-", "+")]
        keep_words(model, tokens)

    def _token(self, word: str, tokenizer: PreTrainedTokenizerBase) -> int:
        ids: list[int] = tokenizer.encode(word, add_special_tokens=False)
        if not ids or ids[-1] == tokenizer.unk_token_id:
            self.refuse(f"its tokenizer has no token for {word!r}")
        return ids[-1]


class MathShepherd(_ScoredByWords):
    """`question Step 1: step ки⏎Step 2: step ки`, tokenized as one text (arXiv 2312.08935).

    Read at each tag. The model was trained on numbered steps only, so steps are numbered here.
    """

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The tagged text."""
        tag = tokenizer.encode(SHEPHERD_TAG, add_special_tokens=False)[-1]
        lines = []
        for number, step in enumerate(steps, 1):
            lines.append(f"Step {number}: {_NUMBERED.sub('', step, count=1)} {SHEPHERD_TAG}")
        ids = tokenizer.encode(f"{prompt} " + "\n".join(lines))
        return read_at_tags(ids, tag, len(tokenizer.encode(prompt)))


class RLHFlow(_ScoredByWords):
    """A chat in which the user writes each step and the assistant +; read where + is predicted."""

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The chat."""
        asked = [{"role": "user", "content": prompt}]
        chat = []
        for i, step in enumerate(steps):
            chat.append({"role": "user", "content": step if i else f"{prompt} {step}"})
            chat.append({"role": "assistant", "content": "+"})
        ids = encode_chat(tokenizer, chat or asked)
        plus = tokenizer.encode("+", add_special_tokens=False)[-1]
        ends = []
        for i in range(len(steps)):
            before = encode_chat(tokenizer, chat[: 2 * i + 1], add_generation_prompt=True)
            if ids[: len(before) + 1] == [*before, plus]:
                ends.append(len(before) - 1)
        return Encoded(ids, ends, len(encode_chat(tokenizer, asked)))


class Skywork(Format):
    """Problem and steps, tokenized one by one, each with a line end; read at a step's line end."""

    model = SkyworkProcessRewardModel

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The joined tokens."""
        start = tokenizer.encode(f"{tokenizer.bos_token or ''}{prompt}\n")
        line_end = tokenizer.encode("\n")[-1:]
        return join_steps(start, [tokenizer.encode(step) + line_end for step in steps])


class Qwen(Format):
    """A chat whose answer has <extra_0> after each step; read at each of these tokens."""

    model = QwenProcessRewardModel

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The chat."""
        asked = [{"role": "system", "content": QWEN_SYSTEM}, {"role": "user", "content": prompt}]
        answer = {"role": "assistant", "content": "".join(step + QWEN_TAG for step in steps)}
        tag = tokenizer.encode(QWEN_TAG, add_special_tokens=False)[0]
        ids = encode_chat(tokenizer, [*asked, answer])
        return read_at_tags(ids, tag, len(encode_chat(tokenizer, asked)))


class TRL(Format):
    """Problem and steps, tokenized one by one; read at the end of each step.

    `separator` (a line end unless it is set) follows each step.
    """

    model = AutoModelForTokenClassification

    def prepare(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        """Check that the classes are wrong and right."""
        if model.config.num_labels != 2:
            self.refuse(f"it has {model.config.num_labels} classes and not two")

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The joined tokens."""
        separator = "\n" if self.released.separator is None else self.released.separator
        start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        start += tokenizer.encode(prompt, add_special_tokens=False)
        end = tokenizer.encode(separator, add_special_tokens=False)
        texts = [tokenizer.encode(step, add_special_tokens=False) + end for step in steps]
        return join_steps(start, texts)


FORMATS: dict[str, type[Format]] = {
    "math_shepherd": MathShepherd,
    "rlhflow": RLHFlow,
    "skywork": Skywork,
    "qwen": Qwen,
    "trl": TRL,
}


def keep_words(model: PreTrainedModel, tokens: Sequence[int]) -> None:
    """Reduce a language model's head to these tokens: its logits become theirs, in this order."""
    whole = model.get_output_embeddings()
    weight = whole.weight
    head = nn.Linear(
        whole.in_features, len(tokens), bias=False, device=weight.device, dtype=weight.dtype
    )
    head.weight.data = weight.data[list(tokens)].clone()
    model.set_output_embeddings(head)


def read_at_tags(ids: list[int], tag: int, start: int) -> Encoded:
    """Read at every tag; the prompt has `start` tokens, or ends before the first tag."""
    ends = [i for i, token in enumerate(ids) if token == tag]
    return Encoded(ids, ends, min([start, *ends]))


def join_steps(start: Sequence[int], steps: Sequence[Sequence[int]]) -> Encoded:
    """The prompt's and the steps' tokens joined; read at each step's last token."""
    ids, ends = list(start), []
    for step in steps:
        ids += step
        ends.append(len(ids) - 1)
    return Encoded(ids, ends, len(start))


def encode_chat(
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
