"""Released models that need converting before use."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from prmscale.cards.head import find_base, finish_model
from prmscale.engines.backends.loading import load_pretrained
from prmscale.files import locate_package
from prmscale.policies.card import card_of_converted
from prmscale.study import PACKAGE, ReleasedPolicy


def convert(released: ReleasedPolicy, folder: str | Path) -> None:
    """Dequantise `gguf_file` and save model, tokenizer and card to `folder`; with dtype auto in
    float32, whatever format its weights are loaded in later.
    """
    source = released.model
    if source.startswith(PACKAGE):
        source = str(locate_package(source.removeprefix(PACKAGE)))
    options = {"gguf_file": released.gguf_file, "revision": released.revision}
    model = load_pretrained(
        AutoModelForCausalLM,
        source,
        dtype=torch.float32 if released.dtype == "auto" else getattr(torch, released.dtype),
        quantization_config=GgufConfig(dequantize=True),
        **options,
    )
    model.save_pretrained(folder)
    load_pretrained(AutoTokenizer, source, **options).save_pretrained(folder)
    finish_model(Path(folder), card_of_converted(released, find_base(source, released.revision)))
