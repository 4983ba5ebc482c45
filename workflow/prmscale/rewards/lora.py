"""LoRA (Hu et al. 2021, arXiv 2106.09685) with peft, for bases too large to train whole."""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

from prmscale.study import Lora


def add_adapters(model: PreTrainedModel, settings: Lora) -> nn.Module:
    """The model with fresh LoRA adapters on all linear layers of its decoder.

    The head is trained whole; all else is frozen.
    """
    from peft import LoraConfig, TaskType, get_peft_model  # most trainings have no adapters

    layers = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if ".layers." in name and isinstance(module, nn.Linear)
    }
    config = LoraConfig(
        task_type=TaskType.TOKEN_CLS,
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=sorted(layers),
    )
    return get_peft_model(model, config)


def merge_adapters(state: dict[str, torch.Tensor], settings: Lora) -> dict[str, torch.Tensor]:
    """The weights of a model without adapters: W + alpha / rank * B A for each adapted W.

    The adapted model itself does not change, so training can continue.
    """
    out = {}
    for key, tensor in state.items():
        name = key.removeprefix("base_model.model.")
        if name.endswith(".base_layer.weight"):
            layer = key.removesuffix(".base_layer.weight")
            a, b = (state[f"{layer}.lora_{x}.default.weight"].float() for x in "AB")
            tensor = (tensor.float() + settings.alpha / settings.rank * b @ a).to(tensor.dtype)
        elif ".lora_" in name or ".original_module." in name:
            continue
        out[name.replace(".base_layer", "").replace(".modules_to_save.default", "")] = tensor
    return out
