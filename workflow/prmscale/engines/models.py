"""The engine that samples from a policy, as the configuration chooses."""

from __future__ import annotations

from pathlib import Path

from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.policy import SamplingPolicy
from prmscale.study import Prompting, Sampling


def load_policy(
    name: str,
    folder: str | Path,
    prompting: Prompting,
    sampling: Sampling,
    device: str,
    gpus: int,
    seed: int,
) -> SamplingPolicy:
    """The policy in `folder` on `sampling.engine`; `gpus` are those that the job has."""
    if sampling.engine == "transformers":
        return TransformersPolicy(name, folder, prompting, sampling, device, seed)
    from prmscale.engines.backends.vllm_policy import (
        VllmPolicy,
    )  # sets vLLM's switches, which other jobs do not need

    return VllmPolicy(name, folder, prompting, sampling, gpus, seed)
