"""The card of a reward model: what it is, its training set, how to use it without our code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METRICS = "metrics.csv"  # a reward model's metrics at every checkpoint, in its folder

_CARD = """---
library_name: transformers
pipeline_tag: token-classification
tags: [process-reward-model]
---

# {reward_model}

A process reward model: {what} {base} ({base_parameters:,} parameters), trained for {steps} steps
({train_flops:.2e} FLOPs) {how} on {training_set[solutions]:,} solutions of
{training_set[problems]:,} problems by {written} ({train_on}; {labels} labels, {right}; training set
{training_set[name]}, data {data}; seed {seed}, replicate {replicate}).
{warning}
{sees} The sigmoid of the logit at {step_mark} is the probability that the solution is right so far.

```python
{code}
```

Validation, within problems and pooled: {measured}
"""

_WHAT = {
    "scalar": "a scalar head on",
    "evidence": "an evidence head on the frozen",
    "implicit": "an implicit PRM (arXiv 2412.01981), policy and reference starting from",
}
_SEES = {
    "scalar": "It reads the last hidden state of the base.",
    "evidence": (
        "It adds up, over the solution's tokens, evidence from the token, its surprisal under the "
        "base, the entropy of the base's prediction and the gap to the most likely token; it sees "
        "no hidden state."
    ),
    "implicit": (
        "It adds up, over the solution's tokens, the log-ratio of the policy's probability to the "
        "reference's."
    ),
}
_SUPERVISED = {
    "first_error": "at every step up to the first wrong one",
    "all": "at every step",
    "outcome": "at the last step, against the solution's outcome,",
}

_PLAIN = """from transformers import AutoModelForTokenClassification, AutoTokenizer

model = AutoModelForTokenClassification.from_pretrained(FOLDER)
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
ids = tokenizer(PROMPT + "\\n" + STEP + "\\n", return_tensors="pt").input_ids
score = model(ids).logits[0, -1, 0].sigmoid()"""

# the folder holds the head's code; tokens of the prompt have type 0, those of the solution 1
_MARKED = """import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

# heads.py of the folder is run: read it first
model = AutoModelForTokenClassification.from_pretrained(FOLDER, trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained(FOLDER, trust_remote_code=True)
prompt = tokenizer(PROMPT + "\\n", return_tensors="pt").input_ids
step = tokenizer(STEP + "\\n", return_tensors="pt", add_special_tokens=False).input_ids
types = torch.cat([torch.zeros_like(prompt), torch.ones_like(step)], 1)
score = model(torch.cat([prompt, step], 1), token_type_ids=types).logits[0, -1, 0].sigmoid()"""


def card(facts: Mapping[str, Any]) -> str:
    """The card's Markdown; `facts` is what reward_model.json holds."""
    held = facts["training_set"]
    right = [
        f"{share:.0%} of the steps of {name} right"
        for name, share in held["right_by_source"].items()
    ]
    measured = [f"{name} {value:.3g}" for name, value in facts["validation"].items()]
    return _CARD.format(
        **facts,
        what=_WHAT[facts["head"]],
        sees=_SEES[facts["head"]],
        how=_describe_loss(facts),
        written=", ".join(held["policies"]),
        right=", ".join(right),
        warning=_describe_control(facts),
        code=_PLAIN if facts["head"] == "scalar" else _MARKED,
        measured=", ".join(measured) or "none",
    )


def _describe_loss(facts: Mapping[str, Any]) -> str:
    how = f"with binary cross-entropy {_SUPERVISED[facts['supervise']]}"
    if facts["ranking_weight"]:
        how += f" and a ranking loss within problems (weight {facts['ranking_weight']:g})"
    return how


def _describe_control(facts: Mapping[str, Any]) -> str:
    """The warning on a control's card; empty for other reward models."""
    if facts["untrained"]:
        return "\nA control: its head was never trained.\n"
    if facts["shuffled"]:
        return "\nA control: the labels were exchanged at random among the training solutions.\n"
    return ""
