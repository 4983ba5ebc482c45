"""The models of a study as the cost needs them, built without weights: from their configuration alone."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from prmscale.engines.flops import Shape
from prmscale.errors import UserError
from prmscale.policies.pretrain import build
from prmscale.study import Released, Study
from prmscale.tasks.corpus import build_tokenizer


class Model(NamedTuple):
    """A causal language model: its shape, that of its decoder without the output head, and numbers in it.

    `cached` are those that a token leaves in the KV cache.
    """

    shape: Shape
    decoder: Shape
    parameters: int
    cached: int


def model_of(study: Study, name: str) -> Model:
    """The model behind a name of the study; raises UserError where nothing tells its size."""
    ladder = study.ladder_model(name)
    with torch.device("meta"):
        if ladder:
            return _measured(build(ladder, build_tokenizer(study.world), 0))
        released = study.released(name)
        assert released is not None  # names were checked when the study was loaded
        return _measured(AutoModelForCausalLM.from_config(_config(released)))


def _config(released: Released) -> PretrainedConfig:
    try:
        folder = str(Path(released.model).expanduser())
        return AutoConfig.from_pretrained(folder, revision=released.prompting.revision, local_files_only=True)
    except (OSError, ValueError) as error:
        if released.config is None:
            raise UserError(
                f"policies.released, {released.name}: the size of {released.model} is not known here. Give its "
                "`config` (the keys of its config.json that the schema names), or load it into the hub's cache first"
            ) from error
    own = dict(released.config)
    return AutoConfig.for_model(str(own.pop("model_type")), **own)


def _measured(model: PreTrainedModel) -> Model:
    config, shape = model.config, Shape.of(model)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    keys = (getattr(config, "num_key_value_heads", None) or config.num_attention_heads) * head
    decoder = Shape(shape.linear_weights - config.vocab_size * config.hidden_size, shape.layers, shape.width)
    parameters = sum(p.numel() for p in model.parameters())
    return Model(shape, decoder, parameters, 2 * config.num_hidden_layers * keys)
