"""Tiny models and tokenizers of the architectures of released reward models."""

import re

import torch
from safetensors.torch import save_file
from scripted import problem
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2Model, Qwen2Tokenizer

from prmscale.study import ReleasedRewardModel

MARKS = ["<s>", "</s>", "<h>", "</h>", "<extra_0>", "<|im_start|>", "<|im_end|>"]
WORDS = [
    "\n",
    *["?", "ки", "+", "-", ":", ".", "two", "plus", "is", "2", "so", "4", "user", "assistant"],
]
WORDS += ["Step", "1:", "2:", "3:"]
VOCABULARY = {word: i for i, word in enumerate([*MARKS, *WORDS])}
BYTES = {
    letter: i for i, letter in enumerate([*MARKS, *map(chr, range(33, 127)), "Ġ", "Ċ"])
}  # as Qwen2 spells them
SHAPE = {
    "vocab_size": len(BYTES) + 8, "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "tie_word_embeddings": False, "initializer_range": 0.5,
}  # fmt: skip
LLAMA_CHAT = (
    "<s>{% for m in messages %}<h>{{ m.role }}</h>\n\n{{ m.content | trim }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<h>assistant</h>\n\n{% endif %}"
)
QWEN_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
PROMPT = "two plus two :"
STEPS = ("two is 2 .", "so two plus two is 4 .", "4")


def ids(text):
    """Token ids, word by word, of a text with its marks and line ends set apart by spaces."""
    return [VOCABULARY[word] for word in text.split(" ")]


def letters(text):
    """Token ids, letter by letter, of a text whose marks are one token each."""
    parts = re.split(
        "({})".format("|".join(map(re.escape, MARKS))), text.replace(" ", "Ġ").replace("\n", "Ċ")
    )
    return [BYTES[token] for part in parts for token in ([part] if part in MARKS else part)]


def qwen_tokenizer(folder, chat=None, marks=()):
    made = Qwen2Tokenizer(
        vocab=BYTES,
        merges=[],
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=[*MARKS[2:], *marks],
    )
    made.chat_template = chat
    made.save_pretrained(folder)
    return made


def word_tokenizer(folder, chat=None):
    raw = Tokenizer(models.WordLevel(VOCABULARY, unk_token="?"))
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(" +"), "removed"), pre_tokenizers.Split("\n", "isolated")]
    )
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", VOCABULARY["<s>"])]
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="?",
        extra_special_tokens=MARKS[2:],
    )
    made.chat_template = chat
    made.save_pretrained(folder)


def published(folder, config, head):
    """A Qwen2 decoder with a head as it lies on the hub: weights, and code that must never run."""
    torch.manual_seed(0)
    decoder = Qwen2Model(config).eval()
    weights = {f"model.{name}": value for name, value in decoder.state_dict().items()}
    config.architectures, config.auto_map = (
        ["Qwen2ForPrmModel"],
        {"AutoConfig": "theirs.SomeConfig", "AutoModel": "theirs.SomeModel"},
    )
    config.save_pretrained(folder)
    (folder / "theirs.py").write_text("raise SystemExit('code of a model was run')\n")
    lm_head = {"lm_head.weight": torch.zeros(config.vocab_size, config.hidden_size)}
    save_file(
        {**weights, **head, **lm_head}, folder / "model.safetensors", metadata={"format": "pt"}
    )
    return decoder


WIDE = {**SHAPE, "hidden_size": 64}  # heads of a size that vLLM's CPU build knows


def wide_qwen(folder, **shape):
    """A Qwen2.5-Math-PRM that vLLM's CPU build can run."""
    qwen_tokenizer(folder, QWEN_CHAT)
    shapes = {"score.0.weight": (64, 64), "score.0.bias": (64,), "score.2.weight": (2, 64)}
    shapes["score.2.bias"] = (2,)
    head = {name: torch.randn(shape) / 8 for name, shape in shapes.items()}
    published(folder, Qwen2Config(**{**WIDE, **shape}), head)


ASKED = problem(0).__class__(**{**vars(problem(0)), "prompt": PROMPT})


def released(folder, name, **settings):
    settings = {"dtype": "float32", **settings}  # as the scores computed by hand
    return ReleasedRewardModel(name="theirs", model=str(folder), format=name, **settings)
