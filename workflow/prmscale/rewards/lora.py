"""Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): a base too large to train whole, by peft."""

from __future__ import annotations

import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch import nn
from transformers import PreTrainedModel

from prmscale.study import Lora


def adapted(model: PreTrainedModel, settings: Lora) -> nn.Module:
    """The model with fresh adapters on all linear layers of its decoder; its head is trained whole,
    all else frozen.
    """
    layers = {
        n.rsplit(".", 1)[-1]
        for n, m in model.named_modules()
        if ".layers." in n and isinstance(m, nn.Linear)
    }
    config = LoraConfig(
        task_type=TaskType.TOKEN_CLS,
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=sorted(layers),
    )
    return get_peft_model(model, config)


def merged(state: dict[str, torch.Tensor], settings: Lora) -> dict[str, torch.Tensor]:
    """The weights of a model like the one that was adapted: W + alpha / rank * B A for each adapted
    W.

    The adapted model's own weights stay as they are, so that training goes on from them.
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
