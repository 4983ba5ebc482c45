"""Tiny models in place of those that the examples of docs/library.md name."""

import tiny
from transformers import AutoTokenizer, Qwen2Config

from prmscale.engines.backends.released_heads import QwenProcessRewardModel
from prmscale.engines.facts import FACTS
from prmscale.files import write_json
from prmscale.rewards.train import load_base

CHAT = "{% for m in messages %}{{ m.content }} :\n{% endfor %}"


def make_models(folder):
    """The folders of the models that are made below `folder`, by the names in the examples."""
    plain, chat, trained, released = (folder / name for name in ("plain", "chat", "prm", "qwen"))
    for path in (plain, chat):
        tiny.saved(path, 16)
    tokenizer = AutoTokenizer.from_pretrained(chat)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(chat)
    model, reader = load_base(plain, 0)
    model.save_pretrained(trained)
    reader.save_pretrained(trained)
    write_json({"head": "scalar"}, trained / FACTS)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<extra_0>"]})
    tokenizer.chat_template = CHAT.replace(" :\n", "")
    tokenizer.save_pretrained(released)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1,
    )  # fmt: skip
    QwenProcessRewardModel(config).save_pretrained(released)
    return {
        "results/laptop/rewards/both-m/replicate1": trained,
        "results/laptop/policies/m/replicate1/100": plain,
        "HuggingFaceTB/SmolLM2-135M-Instruct": chat,
        "Qwen/Qwen2.5-Math-PRM-7B": released,
    }


def name_models(text, models):
    """An example with the folders of these models for their names."""
    for name, folder in models.items():
        text = text.replace(name, str(folder))
    return text
