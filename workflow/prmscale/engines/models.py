"""From a model's folder to the engine that runs it, as the configuration chooses."""

from __future__ import annotations

from pathlib import Path

from prmscale.engines.backends.loading import Weights, weights_hash
from prmscale.engines.backends.released_scorer import ReleasedScorer
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.engines.policy import SamplingPolicy
from prmscale.engines.scorer import StepScorer
from prmscale.files import read_json
from prmscale.study import Engine, Prompting, ReleasedRewardModel, Sampling

FACTS = "reward_model.json"  # what a reward model's folder says of it, beside the weights


def load_policy(
    name: str,
    weights: Weights | str | Path,
    prompting: Prompting,
    sampling: Sampling,
    device: str,
    gpus: int,
    seed: int,
) -> SamplingPolicy:
    """The policy with these weights on `sampling.engine`; `gpus` is the number of GPUs of the job.

    A folder or hub name alone stands for its weights in float32.
    """
    if not isinstance(weights, Weights):
        weights = Weights(weights)
    if sampling.engine == "transformers":
        return TransformersPolicy(name, weights, prompting, sampling, device, seed)
    # imported here: it sets vLLM's switches, which other jobs do not need
    from prmscale.engines.backends.vllm_policy import VllmPolicy

    return VllmPolicy(name, weights, prompting, sampling, gpus, seed)


def load_scorer(
    folder: str | Path, device: str, engine: Engine = "transformers", gpus: int = 0
) -> StepScorer:
    """The scorer of a reward model's folder: of the weights in it, or of the released model that it
    describes.

    The `engine` vllm, over `gpus` GPUs, reads scalar heads that were trained here, transformers all
    others.
    """
    facts = read_json(Path(folder) / FACTS)
    if facts.get("released"):
        return ReleasedScorer(ReleasedRewardModel(**facts["released"]), device)
    if engine == "vllm" and facts["head"] == "scalar":
        # imported here: it sets vLLM's switches, which other jobs do not need
        from prmscale.engines.backends.vllm_scorer import VllmScorer

        return VllmScorer(folder, gpus)
    return TransformersScorer(folder, device)


def scorer_weights(folder: str | Path) -> str:
    """A hash of the weights that `load_scorer` runs, in the folder or of a released model."""
    released = read_json(Path(folder) / FACTS).get("released")
    return (
        weights_hash(released["model"], released["revision"]) if released else weights_hash(folder)
    )
