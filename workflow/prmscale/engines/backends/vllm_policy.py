"""The vLLM engine: the same draws as the transformers engine's in distribution, by vLLM's batching
and prefix cache.

One call samples all draws; each has a seed of its own. vLLM reports the log-probability of the
chosen tokens alone, so self-certainty, which needs those of the whole vocabulary, is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from prmscale import seeds
from prmscale.engines import memory
from prmscale.engines.backends import vllm_model
from prmscale.engines.backends.loading import Weights, load_pretrained
from prmscale.engines.flops import Shape
from prmscale.engines.policy import Draw, Extension, SamplingPolicy
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps as step_text
from prmscale.tasks import thoughts


class VllmPolicy(SamplingPolicy):
    """A policy sampled by vLLM, its weights split over `gpus` GPUs (tensor parallelism)."""

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
            self.shape = Shape.of(AutoModelForCausalLM.from_config(config))
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
        from vllm import SamplingParams  # now that it is known to be here

        self._parameters = SamplingParams

    def forget(self) -> None:
        """Empty the prefix cache."""
        self._llm.reset_prefix_cache()

    def _draws(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None
    ) -> Iterable[Draw]:
        draws = [
            Draw(i, e.first_draw + n, self._limit(e.problem, len(ids[i])), self._opened(e))
            for i, e in enumerate(extensions)
            for n in range(e.samples)
        ]
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
        sampling, place = (
            self.sampling,
            (extension.problem.problem_id, extension.prefix, draw.draw, len(draw.tokens)),
        )
        return self._parameters(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=draw.limit - len(draw.tokens),
            seed=seeds.seed_of(self.seed, self.name, *place) % 2**63,
            # the ends of the base class alone, whatever the model's files say besides
            ignore_eos=True,
            stop_token_ids=sorted(self._ends),
            # a thought is not looked at line by line
            stop=(thoughts.CLOSING if draw.thinking else [step_text.STEP_END])
            if extension.until == "step"
            else None,
            include_stop_str_in_output=True,
            skip_special_tokens=False,  # the tags of some models' thoughts are special
            logprobs=0,  # of the chosen token
        )

    def _record(self, draw: Draw, extension: Extension, output: Any) -> None:
        """Add what vLLM sampled; a draw that was stopped where no step ends goes on."""
        chosen = [
            at[token].logprob for token, at in zip(output.token_ids, output.logprobs, strict=True)
        ]
        draw.tokens += output.token_ids
        draw.logprobs += chosen
        draw.certainties += [float("nan")] * len(chosen)
        if draw.thinking and output.stop_reason in thoughts.CLOSING:
            self._leaves_thought(draw)
        self._end(draw, extension, draw.tokens[-1] in self._ends)
        if (
            output.finish_reason == "length" and draw.finish_reason is None
        ):  # of the model's context
            draw.finish_reason = "length"
