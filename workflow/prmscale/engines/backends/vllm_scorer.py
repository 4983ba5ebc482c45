"""The vLLM scorer: the transformers scorer's scores with vLLM's batching and tensor parallelism.

vLLM loads a token-classification folder as a language model with a linear head (runner `pooling`,
task `token_classify`); of the heads trained here it supports only the scalar one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

from prmscale.engines import memory
from prmscale.engines.backends import vllm_model
from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.backends.transformers_scorer import to_probabilities
from prmscale.engines.flops import Shape
from prmscale.engines.scorer import SolutionReader
from prmscale.tasks.steps import Encoded


class VllmScorer(SolutionReader):
    """A reward model with a scalar head on vLLM, split over `gpus` GPUs, in its stored dtype."""

    def __init__(self, folder: str | Path, gpus: int) -> None:
        super().__init__()
        self.tokenizer = load_pretrained(AutoTokenizer, folder)
        config = load_pretrained(AutoConfig, folder)
        with torch.device("meta"):
            self.shape = Shape.from_model(AutoModelForTokenClassification.from_config(config))
        self._name, dtype = str(folder), config.dtype or torch.float32
        need = memory.reading(
            vllm_model.size(self._name, config),
            dtype=str(dtype).removeprefix("torch."),
            tokens=memory.READ_TOGETHER,
        )
        self._llm = vllm_model.load(
            self._name, folder, gpus, need, seed=0, runner="pooling", dtype=dtype
        )
        from vllm import PoolingParams  # after a successful load: it is installed

        self._parameters = PoolingParams(use_activation=False)

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
