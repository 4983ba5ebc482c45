"""The files in a reward model's folder that say what the weights beside them are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prmscale.files import read_json

FACTS = "reward_model.json"
METRICS = "metrics.csv"  # the reward model's metrics at every checkpoint


def read_facts(folder: str | Path) -> dict[str, Any]:
    """The facts of the reward model in `folder`; raises UserError if there are none."""
    facts: dict[str, Any] = read_json(Path(folder) / FACTS)
    return facts
