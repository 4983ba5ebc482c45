"""The card of a reward model: what it is, its training set, how to use it without our code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from prmscale.cards.head import Base, Origin, choose_licence, describe_licences, escape, render

_CARD = """# {reward_model}

{kind}: {what} {base} ({base_parameters:,} parameters), trained for {steps} steps
({train_flops:.2e} FLOPs) {how} on {training_set[solutions]:,} solutions of
{training_set[problems]:,} problems by {written} ({train_on}; {labels} labels, {right}; training set
{training_set[name]}, data {data}; seed {seed}, replicate {replicate}).
{warning}
{sees} The sigmoid of the logit at {step_mark} is the probability that the solution is right so far.

```python
{code}
```

Validation, within problems and pooled: {measured}

{licences}
"""

_RELEASED = """# {reward_model}

This folder describes a reward model that the study did not train: `reward_model.json` holds its
facts. Its weights stay where they are ({model}).

{licences}
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


def card(facts: Mapping[str, Any], origin: Origin, base: Base) -> str:
    """The card of a model trained here; `facts` is what reward_model.json holds, `origin` that of
    its training problems.
    """
    held = facts["training_set"]
    by_outcome = facts["supervise"] == "outcome"
    right = [
        f"{share:.0%} of the steps of {name} right"
        for name, share in held["right_by_source"].items()
    ]
    measured = [f"{name} {value:.3g}" for name, value in facts["validation"].items()]
    text = _CARD.format(
        **facts,
        kind="An outcome reward model" if by_outcome else "A process reward model",
        what=_WHAT[facts["head"]],
        sees=_SEES[facts["head"]],
        how=_describe_loss(facts),
        written=escape(", ".join(held["policies"])),
        right=", ".join(right),
        warning=_describe_control(facts),
        code=_PLAIN if facts["head"] == "scalar" else _MARKED,
        measured=", ".join(measured) or "none",
        licences=describe_licences(origin.licences, [base]),
    )
    return render(_head(facts, origin, base), text)


def card_of_released(facts: Mapping[str, Any], base: Base) -> str:
    """The card of the folder that describes a released reward model or a verifier; `base` is the
    model itself.
    """
    name = facts["reward_model"]
    head = ModelCardData(
        **choose_licence([], [base]), base_model=base.hub, tags=["reward-model", "prmscale"]
    )
    model, licences = escape(facts["released"]["model"]), describe_licences([], [base])
    return render(head, _RELEASED.format(reward_model=name, model=model, licences=licences))


def _head(facts: Mapping[str, Any], origin: Origin, base: Base) -> ModelCardData:
    kind = "outcome" if facts["supervise"] == "outcome" else "process"
    results = _list_results(facts, origin.datasets)
    return ModelCardData(
        **choose_licence(origin.licences, [base]),
        language=origin.language,
        library_name="transformers",
        pipeline_tag="token-classification",
        base_model=base.hub,
        base_model_relation="finetune" if base.hub else None,
        datasets=origin.datasets or None,
        metrics=sorted({result.metric_type for result in results}) or None,
        # the hub shows with `custom_code` that the folder brings code
        tags=[f"{kind}-reward-model", "prmscale"]
        + (["custom_code"] if facts["head"] != "scalar" else []),
        model_name=facts["reward_model"],
        eval_results=results or None,
    )


def _list_results(facts: Mapping[str, Any], datasets: list[str]) -> list[EvalResult]:
    """What was measured on validation problems; counts of problems are no results."""
    found = []
    for name, value in facts["validation"].items():
        if not name.endswith("problems") and not math.isnan(value):
            found.append(
                EvalResult(
                    task_type="token-classification",
                    dataset_type=datasets[0] if len(datasets) == 1 else "prmscale",
                    dataset_name=", ".join(facts["training_set"]["right_by_source"]),
                    dataset_split="validation",
                    metric_type=_find_type(name),
                    metric_name=name,
                    metric_value=value,
                )
            )
    return found


def _find_type(metric: str) -> str:
    """The hub's name of a metric."""
    if metric.endswith("auc"):
        return "roc_auc"
    return "cross_entropy" if metric == "loss" else "accuracy"


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
