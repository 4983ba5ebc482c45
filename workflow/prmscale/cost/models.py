"""The sizes of a study's models: built without weights, from their configurations alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prmscale.engines import memory
from prmscale.engines.flops import Shape
from prmscale.errors import UserError
from prmscale.study import Study
from prmscale.tasks.world.corpus import build_tokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


class Model(NamedTuple):
    """A causal language model: its shape, the shape of its decoder without the output head, the
    number of its parameters, and the numbers that a token adds to its KV cache.
    """

    shape: Shape
    decoder: Shape
    parameters: int
    cached: int


def model_of(study: Study, name: str) -> Model:
    """The model of this name in the study. Raises UserError if its size is unknown."""
    import torch  # seconds, which a run without models does not need
    from transformers import AutoModelForCausalLM

    from prmscale.policies.pretrain import build

    ladder = study.ladder_model(name)
    with torch.device("meta"):
        if ladder:
            return _measure(build(ladder, build_tokenizer(study.world), 0))
        return _measure(AutoModelForCausalLM.from_config(_config(study, name)))


def _config(study: Study, name: str) -> PretrainedConfig:
    """The configuration of a released policy, base or reward model."""
    from transformers import AutoConfig

    policy, reward_model = study.released_policy(name), study.released_reward_model(name)
    if policy:
        model, revision, given = policy.model, policy.revision, dict(policy.config or {})
    else:
        assert reward_model is not None  # names were checked when the study was loaded
        model, revision, given = reward_model.model, reward_model.revision, {}
    try:
        return AutoConfig.from_pretrained(
            str(Path(model).expanduser()),
            revision=revision,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError) as error:
        if not given:
            raise UserError(
                f"{'policies' if policy else 'rewards'}.released, {name}: the size of {model} is "
                "not known here. Load it into the hub's cache first"
                + (", or give its `config`, as the schema describes it" if policy else "")
            ) from error
    return AutoConfig.for_model(str(given.pop("model_type")), **given)


def _measure(model: PreTrainedModel) -> Model:
    config, shape = model.config, Shape.from_model(model)
    decoder = Shape(
        shape.linear_weights - config.vocab_size * config.hidden_size, shape.layers, shape.width
    )
    parameters = sum(p.numel() for p in model.parameters())
    return Model(shape, decoder, parameters, memory.kv_cache_size(config.to_dict()))
