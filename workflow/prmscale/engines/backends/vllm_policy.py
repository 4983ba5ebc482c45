"""The vLLM engine: samples from the same distribution as the transformers engine.

It uses vLLM's batching and prefix cache. One call samples all draws, each with its seed. vLLM
reports the log-probabilities of the chosen tokens only, so self-certainty, which needs the whole
vocabulary, is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from prmscale import seeds
from prmscale.engines import memory
from prmscale.engines.backends import vllm_model
from prmscale.engines.backends.loading import Weights, load_pretrained
from prmscale.engines.flops import Shape
from prmscale.engines.policy import Draw, SamplingPolicy
from prmscale.engines.requests import Extension
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps as step_text
from prmscale.tasks import thoughts


class VllmPolicy(SamplingPolicy):
    """A policy sampled by vLLM, split over `gpus` GPUs (tensor parallelism)."""

    def __init__(
        self,
        name: str,
        weights: Weights,
        prompting: Prompting,
        sampling: Sampling,
        gpus: int,
        seed: int,
    ) -> None:
        super().__init__(name, weights, prompting, sampling, seed)
        config = load_pretrained(AutoConfig, weights.folder, revision=weights.revision)
        with torch.device("meta"):
            self.shape = Shape.from_model(AutoModelForCausalLM.from_config(config))
        size = vllm_model.size(name, config)
        self._llm = vllm_model.load(
            name,
            weights.folder,
            gpus,
            memory.generating(size, weights.dtype, sampling.batch, sampling.max_tokens),
            seed,
            revision=weights.revision,
            dtype=weights.dtype,
            enable_prefix_caching=True,
            max_num_seqs=sampling.batch,
        )
        from vllm import SamplingParams  # after a successful load: it is installed

        self._parameters = SamplingParams

    def forget(self) -> None:
        """Empty the prefix cache."""
        self._llm.reset_prefix_cache()

    def next_logprobs(
        self, texts: Sequence[list[int]], words: Sequence[int], progress: str | None = None
    ) -> np.ndarray:
        """The log-probabilities [texts, words] of these tokens after each text.

        One request a word, which vLLM is made to draw: it reports the probability of the token that
        it draws, among all tokens.
        """
        prompts = [{"prompt_token_ids": list(ids)} for ids in texts for _ in words]
        forced = [
            self._parameters(max_tokens=1, allowed_token_ids=[word], logprobs=0, ignore_eos=True)
            for word in words
        ]
        with vllm_model.refusals(self.name):
            found = self._llm.generate(prompts, forced * len(texts), use_tqdm=progress is not None)
        drawn = [each.outputs[0] for each in found]
        logprobs = [each.logprobs[0][each.token_ids[0]].logprob for each in drawn]
        return np.array(logprobs).reshape(len(texts), len(words))

    def _draws(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None
    ) -> Iterable[Draw]:
        draws = []
        for i, e in enumerate(extensions):
            limit, opened = self._limit(e.problem, len(ids[i])), self._open_tag(e)
            draws += [Draw(i, e.first_draw + n, limit, opened) for n in range(e.samples)]
        going = draws
        while going:
            prompts = [{"prompt_token_ids": [*ids[d.owner], *d.tokens]} for d in going]
            settings = [self._settings(d, extensions[d.owner]) for d in going]
            with vllm_model.refusals(self.name):
                found = self._llm.generate(prompts, settings, use_tqdm=progress is not None)
            for d, done in zip(going, found, strict=True):
                self._record(d, extensions[d.owner], done.outputs[0])
            going = [d for d in going if d.finish_reason is None]
        return draws

    def _settings(self, draw: Draw, extension: Extension) -> Any:
        problem, position = extension.problem.problem_id, len(draw.tokens)
        seed = seeds.seed_of(self.seed, self.name, problem, extension.prefix, draw.draw, position)
        stop = list(extension.stops) or None
        if extension.until == "step":  # a thought is not checked line by line
            stop = thoughts.CLOSING if draw.thinking else [step_text.STEP_END]
        return self._parameters(
            temperature=self.sampling.temperature,
            top_p=self.sampling.top_p,
            max_tokens=draw.limit - position,
            seed=seed % 2**63,
            # stop at the base class' end tokens only, whatever else the model's files list
            ignore_eos=True,
            stop_token_ids=sorted(self._ends),
            stop=stop,
            include_stop_str_in_output=True,
            skip_special_tokens=False,  # some models' tags of thoughts are special tokens
            logprobs=0,  # of the chosen token
        )

    def _record(self, draw: Draw, extension: Extension, output: Any) -> None:
        """Add the sampled tokens; a draw that was stopped where no step ends goes on."""
        chosen = [
            at[token].logprob for token, at in zip(output.token_ids, output.logprobs, strict=True)
        ]
        draw.tokens += output.token_ids
        draw.logprobs += chosen
        draw.certainties += [float("nan")] * len(chosen)
        if draw.thinking and output.stop_reason in thoughts.CLOSING:
            self._leaves_thought(draw)
        self._end(draw, extension, draw.tokens[-1] in self._ends)
        if output.finish_reason == "length" and draw.finish_reason is None:
            draw.finish_reason = "length"  # the end of the model's context
