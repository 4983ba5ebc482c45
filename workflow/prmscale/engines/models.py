"""Loads a model's folder on the engine that the configuration chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from prmscale.engines.backends.loading import Weights, announce_dtype
from prmscale.engines.backends.released_scorer import FORMATS, ReleasedScorer
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.engines.facts import read_facts
from prmscale.engines.policy import SamplingPolicy
from prmscale.engines.scorer import StepScorer
from prmscale.engines.verifier import GenerativeVerifier
from prmscale.study import Engine, Prompting, ReleasedRewardModel, Sampling, Verifier


class Device(NamedTuple):
    """Where a job's models run: the name of torch's device, and the number of the job's GPUs."""

    name: str = "cpu"
    gpus: int = 0


def load_policy(
    name: str,
    weights: Weights | str | Path,
    prompting: Prompting,
    sampling: Sampling,
    device: Device,
    seed: int,
) -> SamplingPolicy:
    """The policy with these weights on the engine `sampling.engine` (None: transformers).

    A folder or hub name alone stands for its weights in float32.
    """
    if not isinstance(weights, Weights):
        weights = Weights(weights)
    dtype = announce_dtype(weights.folder, weights.dtype, device.name)
    weights = replace(weights, dtype=dtype)
    if sampling.engine != "vllm":
        return TransformersPolicy(name, weights, prompting, sampling, device.name, seed)
    # imported here, because it sets vLLM's environment variables
    from prmscale.engines.backends.vllm_policy import VllmPolicy

    return VllmPolicy(name, weights, prompting, sampling, device.gpus, seed)


def load_scorer(folder: str | Path, device: Device, engine: Engine = "transformers") -> StepScorer:
    """The scorer of a reward model's folder: of its weights, or of the released model or verifier
    it describes.

    The engine vllm runs scalar heads that were trained here, verifiers, and released models whose
    format it knows; transformers runs all others.
    """
    facts = read_facts(folder)
    if "verifier" in (facts.get("released") or {}):
        return load_verifier(facts["released"], device, engine)
    if facts.get("released"):
        return _load_released(ReleasedRewardModel(**facts["released"]), device, engine)
    if engine == "vllm" and facts["head"] == "scalar":
        # imported here, because it sets vLLM's environment variables
        from prmscale.engines.backends.vllm_scorer import VllmScorer

        return VllmScorer(folder, device.gpus)
    return TransformersScorer(folder, device.name)


def _load_released(released: ReleasedRewardModel, device: Device, engine: Engine) -> StepScorer:
    if engine == "transformers" or FORMATS[released.format].on_vllm is None:
        return ReleasedScorer(released, device.name)
    # imported here, because it sets vLLM's environment variables
    from prmscale.engines.backends.vllm_scorer import VllmReleasedScorer

    return VllmReleasedScorer(released, device.name, device.gpus)


def load_verifier(asked: Mapping[str, Any], device: Device, engine: Engine) -> StepScorer:
    """The verifier of a description (`rewards.verifiers.describe`)."""
    settings = Verifier(**asked["verifier"])
    weights = Weights(asked["model"], asked["dtype"], asked["revision"])
    sampling = Sampling(
        engine=engine,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        batch=asked["batch"],
    )
    prompting = Prompting(**asked["prompting"])
    policy = load_policy(settings.name, weights, prompting, sampling, device, asked["seed"])
    return GenerativeVerifier(settings, policy)


def released_models(folder: str | Path) -> list[tuple[str, str | None]]:
    """The models (folder or hub name, revision) behind a reward model's folder that holds no
    weights but the description of a released one, with its reference; none if the weights are in
    it.
    """
    released = read_facts(folder).get("released")
    if not released:
        return []
    reference = released.get("reference")
    return [(released["model"], released["revision"]), *([(reference, None)] if reference else [])]
