"""The vLLM engine: samples from the same distribution as the transformers engine.

It uses vLLM's continuous batching and prefix cache: each draw, with a seed of its own, joins those
that run. vLLM reports the log-probabilities of a few tokens, not of the whole vocabulary, so
self-certainty is a lower bound (`bound_certainty`), and NaN unless it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoConfig, AutoModelForCausalLM

from prmscale import seeds
from prmscale.engines import memory
from prmscale.engines.backends import vllm_model
from prmscale.engines.backends.loading import Weights, load_pretrained
from prmscale.engines.flops import Shape
from prmscale.engines.policy import Draw, SamplingPolicy
from prmscale.engines.requests import Extension
from prmscale.engines.stream import Group
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps as step_text
from prmscale.tasks import thoughts

RETURNED = 0.25  # fraction of the running draws that end before `collect` returns
TOP = 20  # most likely tokens whose log-probabilities vLLM reports: its own limit


def bound_certainty(logprobs: Sequence[float], vocabulary: int) -> float:
    """A lower bound of a token's self-certainty, from the log-probabilities of some tokens.

    Self-certainty is the mean over the vocabulary of log(1 / (V p)) (arXiv 2502.18581). Of the
    other tokens only their probability in total is known; the mean is lowest if they share it
    equally. The total is at least 1e-6, about the rounding error of a sum of probabilities.
    """
    others = vocabulary - len(logprobs)
    rest = max(1e-6, 1 - math.fsum(map(math.exp, logprobs)))
    total = math.fsum(logprobs) + others * math.log(rest / max(others, 1))
    return -total / vocabulary - math.log(vocabulary)


class _Group(NamedTuple):
    """Extensions that were started together, the tokens before each, and their draws."""

    extensions: Sequence[Extension]
    ids: Sequence[list[int]]
    draws: list[Draw]


class VllmPolicy(SamplingPolicy):
    """A policy sampled by vLLM, split over `gpus` GPUs (tensor parallelism); a `Stream`."""

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
        self._vocabulary = config.get_text_config().vocab_size
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
        from vllm.sampling_params import RequestOutputKind

        self._parameters = partial(SamplingParams, output_kind=RequestOutputKind.FINAL_ONLY)
        self._running: dict[str, tuple[Draw, Extension, list[int]]] = {}  # by vLLM's request
        self._groups: dict[int, _Group] = {}
        self._requests = self._started = 0

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
        found = self._generate(prompts, forced * len(texts), progress)
        drawn = [each.outputs[0] for each in found]
        logprobs = [each.logprobs[0][each.token_ids[0]].logprob for each in drawn]
        return np.array(logprobs).reshape(len(texts), len(words))

    def start(self, extensions: Sequence[Extension]) -> int:
        """Begin to sample these extensions beside all that runs; returns the number of their
        group.
        """
        began = perf_counter()
        ids = [self._ids(e.problem, e.prefix) for e in extensions]
        self._started += 1
        self._groups[self._started] = _Group(extensions, ids, self._begin(extensions, ids))
        self.seconds += perf_counter() - began
        return self._started

    def collect(self, progress: str | None = None) -> dict[int, Group]:
        """The groups that have ended: one or more, and enough that much can be asked anew."""
        began, enough, ended = perf_counter(), RETURNED * len(self._running), 0
        found = self._take_ended()
        with tqdm(
            total=len(self._running), desc=progress, unit="sample", disable=progress is None
        ) as bar:
            while self._groups and (not found or ended < enough):
                just = self._step()
                ended += just
                bar.update(just)
                found |= self._take_ended()
        self.seconds += perf_counter() - began
        return found

    def _take_ended(self) -> dict[int, Group]:
        """Remove the groups whose draws have all ended; returns their continuations."""
        found = {}
        for number, group in list(self._groups.items()):
            if all(draw.finish_reason for draw in group.draws):
                found[number] = self._reply(*group)
                del self._groups[number]
        return found

    def _draws(
        self, extensions: Sequence[Extension], ids: Sequence[list[int]], progress: str | None
    ) -> Iterable[Draw]:
        assert not self._groups, "a batch would end draws of groups that are running"
        draws = self._begin(extensions, ids)
        with tqdm(total=len(draws), desc=progress, unit="sample", disable=progress is None) as bar:
            while self._running:
                bar.update(self._step())
        return draws

    def _begin(self, extensions: Sequence[Extension], ids: Sequence[list[int]]) -> list[Draw]:
        """Give all draws of the extensions that have room for a token to vLLM."""
        draws = []
        for i, e in self._find_room(extensions, ids):
            limit, opened = self._limit(e.problem, len(ids[i])), self._open_tag(e)
            for n in range(e.samples):
                draws.append(Draw(i, e.first_draw + n, limit, opened))
                self._request(draws[-1], e, ids[i])
        return draws

    def _request(self, draw: Draw, extension: Extension, ids: list[int]) -> None:
        """Ask vLLM to go on with a draw after these tokens and its own."""
        self._requests += 1
        name = str(self._requests)
        self._running[name] = draw, extension, ids
        prompt = {"prompt_token_ids": [*ids, *draw.tokens]}
        with vllm_model.refusals(self.name):
            self._llm.llm_engine.add_request(name, prompt, self._settings(draw, extension))

    def _step(self) -> int:
        """Let vLLM compute one step of its batch; returns the number of draws that ended."""
        with vllm_model.refusals(self.name):
            outputs = self._llm.llm_engine.step()
        ended = 0
        for output in outputs:
            draw, extension, ids = self._running.pop(output.request_id)
            self._record(draw, extension, output.outputs[0])
            if draw.finish_reason is None:  # stopped where no step ends
                self._request(draw, extension, ids)
            ended += draw.finish_reason is not None
        return ended

    def _generate(
        self, prompts: Sequence[Any], settings: Sequence[Any], progress: str | None
    ) -> list[Any]:
        """What vLLM writes for each prompt; vLLM itself refuses to be asked for nothing."""
        if not prompts:
            return []
        assert not self._running, "vLLM would end draws of groups that are running"
        with vllm_model.refusals(self.name):
            return list(self._llm.generate(prompts, settings, use_tqdm=progress is not None))

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
            detokenize=stop is not None,  # the text is made here; vLLM only looks for stops
            logprobs=TOP if self.is_certainty_asked else 0,  # and of the chosen token
        )

    def _record(self, draw: Draw, extension: Extension, output: Any) -> None:
        """Add the sampled tokens; a draw that was stopped where no step ends goes on."""
        chosen = [
            at[token].logprob for token, at in zip(output.token_ids, output.logprobs, strict=True)
        ]
        draw.tokens += output.token_ids
        draw.logprobs += chosen
        draw.certainties += [self._certainty(at) for at in output.logprobs]
        if draw.thinking and output.stop_reason in thoughts.CLOSING:
            self._leaves_thought(draw)
        self._end(draw, extension, draw.tokens[-1] in self._ends)
        if output.finish_reason == "length" and draw.finish_reason is None:
            draw.finish_reason = "length"  # the end of the model's context

    def _certainty(self, reported: Mapping[int, Any]) -> float:
        """The self-certainty of a token from the log-probabilities that vLLM reports there."""
        if not self.is_certainty_asked:
            return math.nan
        logprobs = [each.logprob for each in reported.values()]
        return bound_certainty(logprobs, self._vocabulary)
