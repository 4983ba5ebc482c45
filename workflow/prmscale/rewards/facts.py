"""The facts of a reward model, trained or released: what its `reward_model.json` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What a reward model is, and what it was trained on; the defaults are those of a released one.

    `training_set` is what the set holds (`training_set.describe`), `data` the fingerprint of its
    labels; `validation` are the metrics on validation problems (`metrics.metrics`). `pretraining`
    is what the base's own card says, None of a base that was not trained here. `released` is the
    configuration of a released model, None of a trained one.
    """

    reward_model: str
    base: str
    train_on: str
    labels: str
    shuffled: bool = False
    role: str = ""
    seed: int = 0
    head: str = "scalar"
    supervise: str = ""
    target: str = ""
    ranking_weight: float = 0.0
    untrained: bool = False
    training_set: Mapping[str, Any] | None = None
    data: str | None = None
    step_mark: str | None = None
    replicate: int = 1
    base_parameters: int = 0
    pretraining: Mapping[str, Any] | None = None
    steps: int = 0
    train_flops: float = 0.0
    validation: Mapping[str, float] = field(default_factory=dict)
    released: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """All facts, without the keys that belong to the other kind of model."""
        of_the_other = ("data", "step_mark") if self.released else ("released",)
        return {key: value for key, value in vars(self).items() if key not in of_the_other}
