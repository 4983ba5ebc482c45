"""The pre-training corpus: problems solved by authors who share the popular misreadings, and its vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from prmscale.engines import seeds
from prmscale.study import World
from prmscale.tasks import arithmetic, programs
from prmscale.tasks import steps as step_text
from prmscale.tasks.world import NAMES, SPLITS, WORDINGS, stream_of

PAD, UNKNOWN, END = "<pad>", "<unk>", "<eos>"
_BREAK = "<n>"  # how the tokenizer keeps a line end: words are separated by spaces


def corpus(world: World, tokens: int, seed: int, math_share: float) -> Iterator[tuple[str, str]]:
    """(prompt, solution) documents until their solutions hold `tokens` tokens.

    Every document has an author of its own, who falls for each wording's misreading with that wording's rate.
    """
    stream = seeds.generator(seed, "authors")
    math = stream_of(world, "pretrain", seed, False, arithmetic.prompt)
    code = stream_of(world, "pretrain", seed, True, programs.prompt)
    rates = sorted(world.misreading_rates.items())
    written = 0
    while written < tokens:
        misread = frozenset(name for name, rate in rates if stream.random() < rate)
        if stream.random() < math_share:
            specification, prompt = next(math)
            steps = arithmetic.solve(specification, world.modulus, misread)
        else:
            specification, prompt = next(code)
            steps = programs.solve(specification, misread)
        written += sum(len(step.split()) + 1 for step in steps) + 1
        yield prompt, step_text.join(steps)


def vocabulary(world: World) -> list[str]:
    """Every word of the world: special tokens, the line end, numbers, names, signs, and the wordings' words."""
    words = {word for w in WORDINGS.values() for word in w.template.split() if not word.startswith("{")}
    words |= {"is", "find", "return", "answer", "x", ";", ":", "=", "+", "-", "*", "(", ")", *NAMES}
    words -= {str(n) for n in range(max(world.modulus, 4))}
    return [PAD, UNKNOWN, END, _BREAK, *(str(n) for n in range(max(world.modulus, 4))), *sorted(words)]


def build_tokenizer(world: World) -> PreTrainedTokenizerFast:
    """A word-level tokenizer of the world; decoding gives back lines that split into the same steps."""
    ids = {word: i for i, word in enumerate(vocabulary(world))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Replace(step_text.STEP_END, f" {_BREAK} ")
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.WordPiece(prefix=UNKNOWN, cleanup=False),  # a space before every word but the first
            decoders.Fuse(),
            decoders.Replace(f" {_BREAK} ", step_text.STEP_END),
            decoders.Replace(f" {_BREAK}", step_text.STEP_END),
            decoders.Replace(f"{_BREAK} ", step_text.STEP_END),
            decoders.Replace(_BREAK, step_text.STEP_END),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN, eos_token=END, clean_up_tokenization_spaces=False
    )


def card(world: World) -> dict[str, Any]:
    """The facts of the generated data, for its card."""
    return {
        "modulus": world.modulus,
        "definitions": list(world.definitions),
        "filler_share": world.filler_share,
        "wordings": {
            name: {
                "template": wording.template,
                "right": wording.right,
                "misread": wording.misread,
                "misreading_rate": world.misreading_rates.get(name, 0.0),
            }
            for name, wording in WORDINGS.items()
            if wording.misread is None or name in world.misreading_rates
        },
        "splits": {name: f"{len(part)} % of the hash buckets" for name, part in SPLITS.items()},
    }
