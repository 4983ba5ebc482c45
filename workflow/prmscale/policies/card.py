"""The cards of policies that the pipeline makes: ladder models and conversions from GGUF."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from prmscale.cards.head import Base, choose_licence, describe_licences, escape, render
from prmscale.study import ReleasedPolicy

_LICENCE = "MIT (generated)"  # that of the generated problems

_CARD = """# {name}

A causal language model of {parameters:,} parameters, pre-trained from scratch on generated
problems with their solutions: {tokens:,} tokens of solutions, {percent} % of its pre-training
({flops:.2e} FLOPs; seed {seed}, replicate {replicate}). It solves problems of that kind alone.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(FOLDER)
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
ids = tokenizer(PROMPT + "\\n", return_tensors="pt").input_ids
solution = tokenizer.decode(model.generate(ids, max_new_tokens=96)[0, ids.shape[1]:])
```

Loss over the last 100 steps of its pre-training: {loss:.3g} nats per token of the solutions.

{licences}
"""

_CONVERTED = """# {name}

The weights of {gguf_file} of {model}, dequantised.

{licences}
"""


def card(record: Mapping[str, Any], seed: int) -> str:
    """The card of a ladder model; `record` is what pretraining.json holds."""
    perplexity = EvalResult(
        task_type="text-generation",
        dataset_type="prmscale",
        dataset_name="generated problems with their solutions",
        dataset_split="train",
        metric_type="perplexity",
        metric_name="perplexity of the solutions, last 100 steps of pre-training",
        metric_value=math.exp(record["loss"]),
    )
    head = ModelCardData(
        **choose_licence([_LICENCE]),
        language="en",
        library_name="transformers",
        pipeline_tag="text-generation",
        metrics=["perplexity"],
        tags=["prmscale"],
        model_name=record["name"],
        eval_results=[perplexity],
    )
    return render(head, _CARD.format(**record, seed=seed, licences=describe_licences([_LICENCE])))


def card_of_converted(released: ReleasedPolicy, base: Base) -> str:
    """The card of a released model that was converted from GGUF; `base` is that model."""
    head = ModelCardData(
        **choose_licence([], [base]),
        library_name="transformers",
        pipeline_tag="text-generation",
        base_model=base.hub,
        # its weights are those of a quantised model, rounded as they were
        base_model_relation="quantized" if base.hub else None,
        tags=["prmscale"],
    )
    text = _CONVERTED.format(
        name=released.name,
        gguf_file=escape(released.gguf_file or ""),
        model=escape(released.model),
        licences=describe_licences([], [base]),
    )
    return render(head, text)
