"""Two reward models that judge by token probabilities: the evidence head and the implicit PRM.

Both hold a frozen causal language model and return, like any token classifier, logits [batch,
length, 1]; the sigmoid of the logit at a step's last token is the probability that the solution is
right so far. Only the solution's tokens count, so both read `token_type_ids` (0 prompt and padding,
1 solution). `features` are the frozen model's statistics of each token: they never change, so
training computes them once.

This file must import nothing but torch and transformers: it is copied next to the trained weights,
so that `trust_remote_code=True` loads that folder without this project. Padding is on the right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import TokenClassifierOutput

# next-token logits held at once (1 GiB in float32): vocabularies of real models are large
_LOGITS = 2**28


class EvidenceConfig(PreTrainedConfig):
    """An evidence head on a causal language model; `base` is that model's configuration."""

    model_type = "prm_evidence"
    backbones = 1  # causal language models that read every token

    def __init__(
        self, base: dict[str, Any] | None = None, embedding: int = 16, hidden: int = 64, **rest: Any
    ) -> None:
        self.base, self.embedding, self.hidden = base or {"model_type": "llama"}, embedding, hidden
        super().__init__(**rest)


class ImplicitConfig(PreTrainedConfig):
    """An implicit PRM; `base` is the configuration of its policy and of its reference.

    `beta` scales the log-ratio; 0.05 as in the paper.
    """

    model_type = "prm_implicit"
    backbones = 2

    def __init__(self, base: dict[str, Any] | None = None, beta: float = 0.05, **rest: Any) -> None:
        self.base, self.beta = base or {"model_type": "llama"}, beta
        super().__init__(**rest)


class _LikelihoodHead(PreTrainedModel):
    """The base of both: the frozen part stays in evaluation mode; the prompt must be marked."""

    reads_token_types = True
    _supports_sdpa = True

    @property
    def frozen(self) -> PreTrainedModel:
        """The language model that training does not change."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> _LikelihoodHead:
        """Set training mode for all but the frozen part."""
        super().train(mode)
        self.frozen.eval()
        return self

    def features(self, input_ids: torch.Tensor) -> torch.Tensor:
        """The frozen part's statistics of each token [batch, length, statistics]."""
        raise NotImplementedError

    def judge(
        self, input_ids: torch.Tensor, features: torch.Tensor, solution: torch.Tensor
    ) -> torch.Tensor:
        """Logits [batch, length] from tokens, their features, and 1 at the solution's tokens."""
        raise NotImplementedError

    def forward(
        self,
        input_ids: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        features: torch.Tensor | None = None,
        **unused: Any,
    ) -> TokenClassifierOutput:
        """Logits [batch, length, 1]; `features` computed before are not computed again."""
        if token_type_ids is None:
            raise ValueError(
                "this reward model reads token_type_ids: 0 for the prompt's tokens, 1 for the "
                "solution's"
            )
        features = self.features(input_ids) if features is None else features
        logits = self.judge(input_ids, features, token_type_ids.float())
        return TokenClassifierOutput(logits=logits[..., None])


class EvidenceModel(_LikelihoodHead):
    """The evidence PRM: logit_t = b + sum over the solution's tokens i <= t of g(token_i, f_i).

    f_i are three numbers of the frozen base (`features`: how token i surprised it). g is a small
    MLP on f_i and an embedding of the token. No hidden state of the base enters, so g cannot learn
    which problems are difficult, only which surprises indicate an error.
    """

    config_class = EvidenceConfig

    def __init__(self, config: EvidenceConfig) -> None:
        super().__init__(config)
        base = AutoConfig.for_model(**config.base)
        self.base = AutoModelForCausalLM.from_config(base)
        self.token = nn.Embedding(base.get_text_config().vocab_size, config.embedding)
        self.inner = nn.Linear(config.embedding + 3, config.hidden)
        self.outer = nn.Linear(config.hidden, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(1))
        self.post_init()

    @property
    def frozen(self) -> PreTrainedModel:
        """The base."""
        return self.base

    @torch.no_grad()
    def features(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Surprisal -log p, entropy of the prediction, and gap log max p - log p of each token.

        [batch, length, 3], in nats; zero at the first token, which has no prediction.
        """
        return predictions(self.base, input_ids, _surprise)

    def judge(
        self, input_ids: torch.Tensor, features: torch.Tensor, solution: torch.Tensor
    ) -> torch.Tensor:
        """The bias and the evidence up to each token."""
        inputs = torch.cat([self.token(input_ids), features.to(self.token.weight.dtype)], -1)
        weights = self.outer(nn.functional.gelu(self.inner(inputs)))[..., 0]
        return self.bias + (weights * solution).cumsum(-1)


class ImplicitModel(_LikelihoodHead):
    """The implicit PRM (Yuan et al. 2024, arXiv 2412.01981).

    logit_t = beta * sum over the solution's tokens i <= t of log(policy(token_i) /
    reference(token_i)). Training the policy on outcomes alone makes this a reward of every prefix.
    Policy and reference start from one model, so every logit is 0 before training.
    """

    config_class = ImplicitConfig

    def __init__(self, config: ImplicitConfig) -> None:
        super().__init__(config)
        self.policy = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config.base))
        self.reference = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config.base))
        self.post_init()

    @property
    def frozen(self) -> PreTrainedModel:
        """The reference."""
        return self.reference

    @torch.no_grad()
    def features(self, input_ids: torch.Tensor) -> torch.Tensor:
        """The reference's log-probability of each token [batch, length, 1], in nats.

        Zero at the first token, which has no prediction.
        """
        return predictions(self.reference, input_ids, log_probability)

    def judge(
        self, input_ids: torch.Tensor, features: torch.Tensor, solution: torch.Tensor
    ) -> torch.Tensor:
        """The log-ratio up to each token, times beta."""
        ratio = (predictions(self.policy, input_ids, log_probability) - features)[..., 0]
        return self.config.beta * (ratio * solution).cumsum(-1)


def add_head(head: str, base: PreTrainedModel) -> EvidenceModel | ImplicitModel:
    """A reward model with an untrained `head` (evidence or implicit) on a language model."""
    described = base.config.to_dict()
    described.pop("_name_or_path", None)
    labels: dict[str, Any] = {"num_labels": 1, "id2label": {0: "right"}, "label2id": {"right": 0}}
    if head == "evidence":
        evidence = EvidenceModel(EvidenceConfig(described, **labels))
        evidence.base.load_state_dict(base.state_dict())
        return evidence
    implicit = ImplicitModel(ImplicitConfig(described, **labels))
    implicit.policy.load_state_dict(base.state_dict())
    implicit.reference.load_state_dict(base.state_dict())
    return implicit


_Statistics = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def predictions(
    model: PreTrainedModel, input_ids: torch.Tensor, statistics: _Statistics
) -> torch.Tensor:
    """Statistics [batch, length, k] of the model's prediction of each token; zero at the first.

    Reads a few rows at a time, to bound the memory of the logits.
    """
    rows = max(1, _LOGITS // (input_ids.shape[1] * model.config.get_text_config().vocab_size))
    parts = []
    for ids in input_ids.split(rows):
        logs = model(input_ids=ids, use_cache=False).logits[:, :-1].float().log_softmax(-1)
        parts.append(statistics(logs, ids[:, 1:, None]))
    return nn.functional.pad(torch.cat(parts), (0, 0, 1, 0))


def log_probability(logs: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Log-probability [..., 1] of the tokens [..., 1]."""
    return logs.gather(-1, tokens)


def _surprise(logs: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Surprisal, entropy and gap to the most likely token [..., 3]."""
    log = logs.gather(-1, tokens)
    entropy = -(logs.exp() * logs).sum(-1, keepdim=True)
    return torch.cat([-log, entropy, logs.max(-1, keepdim=True).values - log], -1)


for _config, _model in ((EvidenceConfig, EvidenceModel), (ImplicitConfig, ImplicitModel)):
    AutoConfig.register(_config.model_type, _config, exist_ok=True)
    AutoModelForTokenClassification.register(_config, _model, exist_ok=True)
    _config.register_for_auto_class()
    _model.register_for_auto_class("AutoModelForTokenClassification")
