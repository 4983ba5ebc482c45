"""Released models that need converting before use."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from prmscale.cards.head import find_base, finish_model
from prmscale.engines.backends.loading import load_pretrained
from prmscale.errors import UserError
from prmscale.policies.card import card_of_converted
from prmscale.study import PACKAGE, ReleasedPolicy


def locate(model: str) -> str:
    """The folder or hub name of `model`; package:NAME is the folder of a Python package.

    Raises UserError if the package is not installed.
    """
    if not model.startswith(PACKAGE):
        return model
    name = model.removeprefix(PACKAGE)
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise UserError(
            f"{model}: no Python package {name} is installed here; install it (README, 'A real "
            "model')"
        )
    return str(Path(spec.origin).parent)


def convert(released: ReleasedPolicy, folder: str | Path) -> None:
    """Dequantise `gguf_file` and save model, tokenizer and card to `folder`; with dtype auto in
    float32, whatever format its weights are loaded in later.
    """
    source = locate(released.model)
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
