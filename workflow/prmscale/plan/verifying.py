"""What a verifier asks, and of which model."""

from __future__ import annotations

from typing import Any

from prmscale.plan.plan import Plan, as_data
from prmscale.study import Prompting


def describe_asked(plan: Plan, verifier: str) -> dict[str, Any]:
    """A verifier, the weights of the model that it asks, and how that model is asked."""
    settings = plan.study.verifier(verifier)
    assert settings is not None, "names were checked when the study was loaded"
    released, weights = plan.study.released_policy(settings.base), plan.weights(settings.base)
    prompting = as_data(released.prompting if released else Prompting())
    return {
        "verifier": as_data(settings),
        "model": weights["folder"],
        "dtype": weights["dtype"],
        "revision": weights["revision"],
        # thoughts are part of what it writes; nothing else of its prompts is used
        "prompting": {
            "style": prompting["style"],
            "chat_template": prompting["chat_template"],
            "thoughts": "steps",
        },
        "batch": plan.study.policies.sampling.batch,
        "seed": plan.study.seed,
    }
