"""The card of a reward model: what it is, what it was trained on, how to use it without our code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CARD = """---
library_name: transformers
pipeline_tag: token-classification
tags: [process-reward-model]
---

# {reward_model}

A process reward model: a scalar head on {base} ({base_parameters:,} parameters), trained for {steps} steps
({train_flops:.2e} FLOPs) with binary cross-entropy on {solutions:,} solutions ({train_on}; {labels} labels;
data {data}; seed {seed}).

The sigmoid of the logit at {step_mark} is the probability that the solution is right so far.

```python
from transformers import AutoModelForTokenClassification, AutoTokenizer

model = AutoModelForTokenClassification.from_pretrained(FOLDER)
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
ids = tokenizer(PROMPT + "\\n" + STEP + "\\n", return_tensors="pt").input_ids
score = model(ids).logits[0, -1, 0].sigmoid()
```

Validation, within problems and pooled: {measured}
"""


def card(facts: Mapping[str, Any]) -> str:
    """The card's Markdown; `facts` is what `reward_model.json` holds."""
    measured = ", ".join(f"{key} {value:.3g}" for key, value in facts["validation"].items()) or "none"
    return _CARD.format(**facts, measured=measured)
