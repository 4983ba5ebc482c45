"""Released reward models stand beside the trained ones: the facts of a released one."""

from __future__ import annotations

from transformers import AutoConfig

from prmscale.engines import memory
from prmscale.engines.backends.loading import load_pretrained
from prmscale.errors import UserError
from prmscale.rewards.facts import Facts
from prmscale.study import ReleasedRewardModel


def describe(released: ReleasedRewardModel) -> Facts:
    """The facts of a released reward model; what it was trained on is unknown.

    Raises UserError where its config.json does not tell its size.
    """
    config = load_pretrained(AutoConfig, released.model, revision=released.revision)
    size = memory.size(config.to_dict())
    if size is None:
        raise UserError(
            f"rewards.released: {released.name}: the size of {released.model} is unknown: its "
            "config.json does not describe a decoder of the Llama kind"
        )
    return Facts(
        reward_model=released.name,
        base=released.name,
        base_parameters=size.weights,
        train_on="other data",
        labels="released",
        role=released.role,
        head=released.format,
        released=released.model_dump(mode="json", exclude={"gpus", "role"}),
    )
