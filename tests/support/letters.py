"""A chat model whose every character is a token: what it reads can be written out by hand."""

import re

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

MARKS = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
TOKENS = {
    token: i for i, token in enumerate([*MARKS, *map(chr, range(33, 127)), "Ġ", "Ċ"])
}  # as Qwen2 spells a space and a line end
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def ids(text):
    """The tokens of a text; a mark is one token."""
    spelled = text.replace(" ", "Ġ").replace("\n", "Ċ")
    parts = re.split("({})".format("|".join(map(re.escape, MARKS))), spelled)
    return [TOKENS[token] for part in parts for token in ([part] if part in MARKS else part)]


def turn(role, content):
    """A turn of the chat."""
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def tokenizer(chat=CHAT):
    """The tokenizer with this chat template."""
    made = Qwen2Tokenizer(
        vocab=TOKENS, merges=[], bos_token="<s>", eos_token="</s>", unk_token="<s>",
        pad_token="</s>", extra_special_tokens=MARKS[2:],
    )  # fmt: skip
    made.chat_template = chat
    return made


def saved(path, chat=CHAT):
    """A random model with large weights, so that its probabilities are far from even."""
    tokenizer(chat).save_pretrained(path)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(TOKENS), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=False,
        initializer_range=0.5, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config).eval()
    model.save_pretrained(path)
    return model
