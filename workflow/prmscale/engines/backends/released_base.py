"""How a family of released process reward models is loaded and reads solutions: the base class.

Each format is a subclass; `released_scorer.FORMATS` has all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prmscale.engines.backends.loading import load_pretrained
from prmscale.errors import UserError
from prmscale.study import ReleasedRewardModel
from prmscale.tasks.base import Problem
from prmscale.tasks.steps import Encoded


class Format(ABC):
    """How a family of released models is loaded, and how a solution is written for it.

    `model` is the class whose `from_pretrained` loads the weights. The model must return logits of
    the classes wrong and right, or of right alone, after `prepare`. `on_vllm` are the options with
    which vLLM loads the same head; None if vLLM does not know it.
    """

    model: Any
    on_vllm: ClassVar[Mapping[str, Any] | None] = None

    def __init__(self, released: ReleasedRewardModel) -> None:
        self.released = released

    def prepare(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> PreTrainedModel:
        """The model that scores: the loaded one, checked or changed."""
        return model

    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's tokenizer, or that which the configuration names."""
        released = self.released
        if released.tokenizer is None:
            return load_pretrained(AutoTokenizer, released.model, released.revision)
        return load_pretrained(AutoTokenizer, released.tokenizer)

    def encode_problem(
        self, tokenizer: PreTrainedTokenizerBase, problem: Problem, steps: Sequence[str]
    ) -> Encoded:
        """The solution of a problem as the model reads it.

        Raises UserError unless `encode` finds one place to read for each step.
        """
        texts = [step.strip("\n").rstrip() for step in steps]
        encoded = self.encode(tokenizer, problem.prompt, texts)
        if len(encoded.ends) != len(steps):
            self.refuse(
                f"{problem.problem_id}: {len(steps)} steps but {len(encoded.ends)} places to read "
                "a score; a step may hold the format's mark, or the model's chat template may not "
                "be the published one"
            )
        return encoded

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


class ScoredByWords(Format):
    """A language model that scores a step by its next-token probabilities of + and -."""

    model = AutoModelForCausalLM

    def prepare(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> PreTrainedModel:
        """Keep the rows of - and + of the language model's head: wrong and right."""
        tokens = [self._token(word, tokenizer) for word in ("-", "+")]
        replace_head(model, model.get_output_embeddings().weight[tokens])
        return model

    def _token(self, word: str, tokenizer: PreTrainedTokenizerBase) -> int:
        ids: list[int] = tokenizer.encode(word, add_special_tokens=False)
        if not ids or ids[-1] == tokenizer.unk_token_id:
            self.refuse(f"its tokenizer has no token for {word!r}")
        return ids[-1]


def replace_head(model: PreTrainedModel, weight: torch.Tensor) -> None:
    """Give a language model a head with these weights [classes, width] instead of its own."""
    classes, width = weight.shape
    head = nn.Linear(width, classes, bias=False, device=weight.device, dtype=weight.dtype)
    head.weight.data = weight.detach().clone()
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
