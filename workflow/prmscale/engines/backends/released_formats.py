"""VersaPRM, the PRMs of Llemma, and implicit PRMs, each as its authors read it.

Sources: VersaPRM's evaluation (github.com/mtzig/MultiDomainPRM, evaluation/prm_models/prm_llama.py
and get_rewards_reasoning_step.py); Llemma's PRMs in github.com/Edward-Sun/easy-to-hard
(inference_reward.py) and github.com/ssmisya/PRMBench (mr_eval/models/llemma7b_prm.py); the card of
EurusPRM-Stage2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.backends.released_base import (
    Format,
    ScoredByWords,
    read_at_tags,
    replace_head,
)
from prmscale.engines.heads import ImplicitConfig, ImplicitModel
from prmscale.tasks.steps import Encoded

VERSA_TAG = " \n\n\n\n"
BETA = 0.001  # of EurusPRM
_BLANK_LINES = re.compile(r"\n\s*\n")


class VersaPRM(ScoredByWords):
    """Problem and steps, four line ends after each step, tokenized as one text (arXiv 2502.06737).

    Read at each of these marks, one token of Llama 3. Also the authors' Llama-PRM800K and
    Qwen-PRM800K. A repository that holds LoRA adapters alone must be merged with its base.
    """

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The marked text."""
        head = f"{prompt.strip()} \n\n"
        tag = tokenizer.encode(VERSA_TAG, add_special_tokens=False)
        if len(tag) != 1:
            self.refuse("its tokenizer has no token of four line ends after a space")
        texts = [step.strip().replace(VERSA_TAG, "") + VERSA_TAG for step in steps]
        ids = tokenizer.encode(head + "".join(texts))
        return read_at_tags(ids, tag[0], len(tokenizer.encode(head)))


class Llemma(Format):
    """Headed texts with a blank line after each step, tokenized as one text (arXiv 2403.09472).

    Read at the first of the two line ends. The published head has the reward in every row of the
    vocabulary, and its mean is the logit. Blank lines within a step become line ends.
    """

    model = AutoModelForCausalLM

    def prepare(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> PreTrainedModel:
        """Replace the head by the mean of its rows."""
        weight = model.get_output_embeddings().weight
        replace_head(model, weight.float().mean(0, keepdim=True).to(weight.dtype))
        return model

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The text under its two headings."""
        head = f"# Question\n\n{prompt}\n\n# Solution\n\n"
        line_end = tokenizer.encode("\n\n", add_special_tokens=False)[-1]
        texts = [_BLANK_LINES.sub("\n", step.strip()) + "\n\n" for step in steps]
        ids, start = tokenizer.encode(head + "".join(texts)), len(tokenizer.encode(head))
        after = range(start, len(ids) - 1)
        return Encoded(ids, [i for i in after if ids[i] == ids[i + 1] == line_end], start)


class Implicit(Format):
    """A language model trained on outcomes, against a `reference` (arXiv 2412.01981).

    The answer of a chat is the steps with blank lines between them. A score is the sigmoid of 0.001
    times the log-ratio of the two models, summed over the solution up to the step's last token. The
    card of EurusPRM prints the sums themselves, each up to one token later: the next step's first,
    or the end of the turn, which a partial solution does not have. Scores are near 0.5; rank by
    last or min.
    """

    model = AutoModelForCausalLM

    def prepare(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ) -> PreTrainedModel:
        """The model with its reference. Raises UserError if that lacks some of the tokens."""
        assert self.released.reference is not None  # checked with the configuration
        dtype = getattr(torch, self.released.dtype)
        reference = load_pretrained(self.model, self.released.reference, dtype=dtype)
        if reference.config.get_text_config().vocab_size < len(tokenizer):
            self.refuse(f"its reference {self.released.reference} has too small a vocabulary")
        base = model.config.to_dict()
        base.pop("_name_or_path", None)
        with torch.device("meta"):
            pair = ImplicitModel(ImplicitConfig(base, BETA, num_labels=1))
        pair.policy, pair.reference = model, reference
        return pair

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
    ) -> Encoded:
        """The chat."""
        answer = "\n\n".join(steps)
        asked = {"role": "user", "content": prompt}
        chat = [asked, {"role": "assistant", "content": answer}]
        text = str(tokenizer.apply_chat_template(chat, tokenize=False))
        begin = text.rfind(answer)
        places = [begin + len("\n\n".join(steps[: n + 1])) for n in range(len(steps))]
        start, *ends = (
            len(tokenizer.encode(text[:place], add_special_tokens=False))
            for place in (begin, *places)
        )
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return Encoded(ids, [end - 1 for end in ends], start)
