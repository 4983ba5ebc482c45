"""Scores steps with released process reward models, each as its authors read it.

A `Format` of `FORMATS` defines how a solution is written for the model and at which tokens the
scores are read; there is always one score per step. Sources: the model cards of
math-shepherd-mistral-7b-prm, Llama3.1-8B-PRM-*-Data, Skywork-o1-Open-PRM-*, Qwen2.5-Math-PRM-* and
ReasonFlux-PRM-7B, with github.com/RLHFlow/RLHF-Reward-Modeling (math-rm/prm_evaluate.py),
github.com/SkyworkAI/skywork-o1-prm-inference (io_utils.py) and TRL's PRMTrainer (tokenize_row).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

import torch
from transformers import (
    AutoModelForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prmscale import plugins
from prmscale.engines.backends.loading import announce_dtype, load_pretrained
from prmscale.engines.backends.released_base import (
    Format,
    ScoredByWords,
    encode_chat,
    join_steps,
    read_at_tags,
)
from prmscale.engines.backends.released_formats import Implicit, Llemma, VersaPRM
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
        dtype = announce_dtype(released.model, released.dtype, device)
        self.released = released.model_copy(update={"dtype": dtype})
        self.format = FORMATS[released.format](self.released)
        super().__init__(released.model, device, batch_tokens)

    def load(self, folder: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The model, prepared by its format, and its tokenizer."""
        released, tokenizer = self.released, self.format.load_tokenizer()
        model, found = load_pretrained(
            self.format.model,
            folder,
            released.revision,
            dtype=getattr(torch, released.dtype),
            output_loading_info=True,
        )
        if found["missing_keys"]:
            self.format.refuse(f"it has no weights {', '.join(sorted(found['missing_keys']))}")
        return self.format.prepare(model, tokenizer), tokenizer

    def encode(self, problem: Problem, steps: Sequence[str]) -> Encoded:
        """The solution as the model reads it (see `Format.encode_problem`)."""
        return self.format.encode_problem(self.tokenizer, problem, steps)


class MathShepherd(ScoredByWords):
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


class RLHFlow(ScoredByWords):
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
    on_vllm: ClassVar = {"hf_overrides": {"architectures": ["Qwen2ForProcessRewardModel"]}}
    system: str | None = QWEN_SYSTEM

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The chat."""
        asked = [{"role": "user", "content": prompt}]
        if self.system is not None:
            asked.insert(0, {"role": "system", "content": self.system})
        answer = {"role": "assistant", "content": "".join(step + QWEN_TAG for step in steps)}
        tag = tokenizer.encode(QWEN_TAG, add_special_tokens=False)[0]
        ids = encode_chat(tokenizer, [*asked, answer])
        return read_at_tags(ids, tag, len(encode_chat(tokenizer, asked)))


class ReasonFlux(Qwen):
    """As Qwen2.5-Math-PRM, but without a system prompt of its own (arXiv 2506.18896).

    ReasonFlux-PRM-7B. The 1.5B model scores whole solutions alone and cannot be read by step.
    """

    system = None


class TRL(Format):
    """Problem and steps, tokenized one by one; read at the end of each step.

    Any model that classifies tokens: its classes are wrong and right, or right alone. `separator`
    (a line end unless it is set) follows each step.
    """

    model = AutoModelForTokenClassification
    on_vllm: ClassVar = {}

    def prepare(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> PreTrainedModel:
        """The model, if its classes are wrong and right, or right alone."""
        if model.config.num_labels not in (1, 2):
            self.refuse(f"it has {model.config.num_labels} classes and not one or two")
        return model

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
    "reasonflux": ReasonFlux,
    "versaprm": VersaPRM,
    "llemma": Llemma,
    "implicit": Implicit,
    "trl": TRL,
}

_Class = TypeVar("_Class", bound=type[Format])


def register_format(name: str) -> Callable[[_Class], _Class]:
    """Register a plugin's PRM format: a subclass of `Format` with `model` and `encode`.

    Raises UserError if the name is taken or the class is no such format.
    """

    def enter(found: _Class) -> _Class:
        if not (isinstance(found, type) and issubclass(found, Format)):
            raise UserError(f"{found!r} must be a subclass of Format")
        if inspect.isabstract(found) or not hasattr(found, "model"):
            raise UserError(
                f"{found.__name__} must have `model`, a class of Transformers' models, "
                "and the method encode"
            )
        plugins.check_call(found.encode, "self", "tokenizer", "prompt", "steps")
        plugins.register("format", name, (FORMATS, found))
        return found

    return enter
