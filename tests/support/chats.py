"""Tokenizers of single bytes with the chat templates of model families, in small."""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

TEMPLATES = {
    path.stem: path.read_text().rstrip("\n")
    for path in (Path(__file__).parents[1] / "cases/templates").glob("*")
}
_MARKS = (
    "<|start_header_id|> <|end_header_id|> <|eot_id|> <|im_start|> <|im_end|> "
    "<start_of_turn> <end_of_turn>"
)
_SPECIAL = [*_MARKS.split(), "<|User|>", "<|Assistant|>"]


def tokenizer(template: str, *tags: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a family; it adds BOS by itself too, as Llama's does. `tags` are special
    tokens beside.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens(["<s>", "</s>"])
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 256)]
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=[*_SPECIAL, *tags],
    )
    made.chat_template = TEMPLATES[template]
    return made
