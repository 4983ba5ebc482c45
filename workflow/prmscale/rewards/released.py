"""Released reward models beside the trained ones: their facts, and the scorer of either kind."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig

from prmscale.engines import memory
from prmscale.engines.backends.loading import load_pretrained
from prmscale.errors import UserError
from prmscale.study import ReleasedRewardModel


def describe(released: ReleasedRewardModel) -> dict[str, Any]:
    """What `reward_model.json` says of it, in the keys of a trained one; what it was trained on is
    not known here.

    Raises UserError where its size cannot be told from its config.json.
    """
    config = load_pretrained(AutoConfig, released.model, revision=released.revision)
    size = memory.size(config.to_dict())
    if size is None:
        raise UserError(
            f"rewards.released: {released.name}: {released.model} is no decoder of the Llama kind"
        )
    return {
        "reward_model": released.name,
        "released": released.model_dump(mode="json", exclude={"gpus", "role"}),
        "replicate": 1,
        "base": released.name,
        "base_parameters": size.weights,
        "pretraining": None,
        "train_on": "other data",
        "training_set": None,
        "labels": "released",
        "role": released.role,
        "seed": 0,
        "steps": 0,
        "head": released.format,
        "ranking_weight": 0.0,
        "supervise": "",
        "target": "",
        "shuffled": False,
        "untrained": False,
        "train_flops": 0.0,
        "validation": {},
    }
