"""Heads of released process reward models that transformers lacks, on stock decoders.

Weights keep their published names, so that `from_pretrained` finds them; the published code is
never run.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import Qwen2Config, Qwen2Model, Qwen2PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput


class _OnQwen2(Qwen2PreTrainedModel):
    """A Qwen2 decoder (weights `model.*`) with a head from its last hidden states to logits."""

    # a published file may hold the language model's head too
    _keys_to_ignore_on_load_unexpected = [r"lm_head\."]  # noqa: RUF012

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config)
        self.model = Qwen2Model(config)
        self._add_head(config.hidden_size)
        self.post_init()

    def _add_head(self, width: int) -> None:
        raise NotImplementedError

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def forward(self, input_ids: torch.Tensor, **options: Any) -> TokenClassifierOutput:
        """Logits [rows, length, classes] of token ids [rows, length]."""
        hidden = self.model(input_ids=input_ids, use_cache=False, **options).last_hidden_state
        return TokenClassifierOutput(logits=self._head(hidden))


class QwenProcessRewardModel(_OnQwen2):
    """Qwen2.5-Math-PRM (arXiv 2501.07301): two layers with a ReLU; classes wrong and right.

    Weights `score.0` and `score.2`, as in Qwen2ForProcessRewardModel of the published
    modeling_qwen2_rm.py.
    """

    def _add_head(self, width: int) -> None:
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.score(hidden)


class SkyworkProcessRewardModel(_OnQwen2):
    """Skywork-o1-Open-PRM: a value head of one layer (its dropout is for training only).

    Weights `v_head.summary`, as in ValueHead of github.com/SkyworkAI/skywork-o1-prm-inference,
    prm_model.py.
    """

    def _add_head(self, width: int) -> None:
        self.v_head = nn.ModuleDict({"summary": nn.Linear(width, 1)})

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.v_head["summary"](hidden)
