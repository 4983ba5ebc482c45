"""The vLLM scorer: the transformers scorer's scores with vLLM's batching and tensor parallelism.

vLLM loads a token-classification folder as a language model with a linear head (runner `pooling`,
task `token_classify`), and knows some heads of released reward models. The logits of all tokens
come back, and each step is read where the transformers engine reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

from prmscale.engines import memory
from prmscale.engines.backends import vllm_model
from prmscale.engines.backends.loading import Weights, announce_dtype, load_pretrained
from prmscale.engines.backends.released_scorer import FORMATS
from prmscale.engines.backends.transformers_scorer import to_probabilities
from prmscale.engines.flops import Shape
from prmscale.engines.scorer import SolutionReader
from prmscale.study import Dtype, ReleasedRewardModel
from prmscale.tasks.base import Problem
from prmscale.tasks.steps import Encoded


class VllmScorer(SolutionReader):
    """A reward model trained here, with a scalar head, on vLLM, split over `gpus` GPUs, in its
    stored dtype.
    """

    def __init__(self, folder: str | Path, gpus: int) -> None:
        super().__init__()
        self.tokenizer = load_pretrained(AutoTokenizer, folder)
        stored = load_pretrained(AutoConfig, folder).dtype or torch.float32
        weights = Weights(folder, cast(Dtype, str(stored).removeprefix("torch.")))
        self._load(weights, AutoModelForTokenClassification, gpus)

    def _load(self, weights: Weights, model: Any, gpus: int, **options: Any) -> None:
        """Load the weights, which are those of this class of transformers' models."""
        self._name = str(weights.folder)
        config = load_pretrained(AutoConfig, weights.folder, weights.revision)
        build = getattr(model, "from_config", None) or model._from_config
        with torch.device("meta"):
            self.shape = Shape.from_model(build(config))
        size = vllm_model.size(self._name, config)
        need = memory.reading(size, dtype=weights.dtype, tokens=memory.READ_TOGETHER)
        with vllm_model.refusals(self._name):
            from vllm import PoolingParams
            from vllm.config import PoolerConfig
        self._parameters = PoolingParams(use_activation=False)
        self._llm = vllm_model.load(
            self._name,
            weights.folder,
            gpus,
            need,
            seed=0,
            revision=weights.revision,
            runner="pooling",
            pooler_config=PoolerConfig(pooling_type="ALL"),
            dtype=weights.dtype,
            **options,
        )

    def _scores(self, encoded: Sequence[Encoded], progress: str | None) -> list[np.ndarray]:
        if not encoded:  # vLLM refuses to be asked for nothing
            return []
        with vllm_model.refusals(self._name):
            read = self._llm.encode(
                [{"prompt_token_ids": e.ids} for e in encoded],
                self._parameters,
                pooling_task="token_classify",
                use_tqdm=progress is not None,
            )
        scores = []
        for e, output in zip(encoded, read, strict=True):
            probabilities = to_probabilities(output.outputs.data.float())
            scores.append(probabilities[e.ends].numpy().astype(np.float64))
        return scores


class VllmReleasedScorer(VllmScorer):
    """A released process reward model whose format vLLM can read (see `Format.on_vllm`)."""

    def __init__(self, released: ReleasedRewardModel, device: str, gpus: int) -> None:
        SolutionReader.__init__(self)
        self.format = FORMATS[released.format](released)
        self.tokenizer = self.format.load_tokenizer()
        dtype = announce_dtype(released.model, released.dtype, device)
        weights = Weights(released.model, dtype, released.revision)
        self._load(weights, self.format.model, gpus, **(self.format.on_vllm or {}))

    def encode(self, problem: Problem, steps: Sequence[str]) -> Encoded:
        """The solution as the model reads it (see `Format.encode_problem`)."""
        return self.format.encode_problem(self.tokenizer, problem, steps)
