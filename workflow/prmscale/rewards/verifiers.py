"""Verifiers stand beside the trained reward models: the facts of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from prmscale.engines import memory
from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.verdicts import FORMS, find_words
from prmscale.rewards.facts import Facts
from prmscale.study import Verifier


def describe(asked: Mapping[str, Any]) -> Facts:
    """The facts of a verifier, from the plan of what is asked (`plan.verifying.describe_asked`).

    Raises UserError if the model's tokenizer cannot tell its verdicts apart.
    """
    settings = Verifier(**asked["verifier"])
    tokenizer = load_pretrained(AutoTokenizer, asked["model"], revision=asked["revision"])
    find_words(settings.name, tokenizer, FORMS[settings.format](settings).verdicts)
    config = load_pretrained(AutoConfig, asked["model"], revision=asked["revision"])
    size = memory.size(config.to_dict())
    return Facts(
        reward_model=settings.name,
        base=settings.name,
        base_parameters=size.weights if size else 0,
        train_on="other data",
        labels="verifier",
        head=settings.format,
        seed=asked["seed"],
        released=asked,
    )
