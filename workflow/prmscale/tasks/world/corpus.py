"""The pre-training corpus: problems solved by authors who share the popular misreadings, and its
vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from statistics import mean
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from prmscale import seeds
from prmscale.study import World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Domain
from prmscale.tasks.world import arithmetic, programs
from prmscale.tasks.world.specifications import NAMES, SPLITS, WORDINGS, stream_of

PAD, UNKNOWN, END = "<pad>", "<unk>", "<eos>"
_BREAK = "<n>"  # how the tokenizer keeps a line end: words are separated by spaces


def corpus(world: World, tokens: int, seed: int, math_share: float) -> Iterator[tuple[str, str]]:
    """(prompt, solution) documents until their solutions hold `tokens` tokens.

    Every document has an author of its own, who falls for each wording's misreading with that
    wording's rate and is consistent and otherwise flawless. `math_share` is the share of documents,
    not of tokens.
    """
    stream = seeds.generator(seed, "authors")
    math = stream_of(world, "pretrain", seed, False, arithmetic.prompt)
    code = stream_of(world, "pretrain", seed, True, programs.prompt)
    domains: tuple[Domain, ...] = ("math", "code")
    rates = {domain: sorted(world.rates(domain).items()) for domain in domains}
    written = 0
    while written < tokens:
        domain: Domain = "math" if stream.random() < math_share else "code"
        misread = frozenset(name for name, rate in rates[domain] if stream.random() < rate)
        if domain == "math":
            specification, prompt = next(math)
            steps = arithmetic.solve(specification, world.modulus, misread)
        else:
            specification, prompt = next(code)
            steps = programs.solve(specification, misread)
        solution = step_text.join(steps)
        written += count_tokens(solution) + 1
        yield prompt, solution


def count_tokens(text: str) -> int:
    """Tokens of a text of the world: its words and its line ends."""
    return len(text.split()) + text.count(step_text.STEP_END)


def vocabulary(world: World) -> list[str]:
    """Every word of the world: special tokens, the line end, numbers, names, signs, and the
    wordings' words.
    """
    words = {
        word for w in WORDINGS.values() for word in w.template.split() if not word.startswith("{")
    }
    words |= {"is", "find", "return", "answer", "x", ";", ":", "=", "+", "-", "*", "(", ")", *NAMES}
    words -= {str(n) for n in range(max(world.modulus, 4))}
    return [
        PAD,
        UNKNOWN,
        END,
        _BREAK,
        *(str(n) for n in range(max(world.modulus, 4))),
        *sorted(words),
    ]


def build_tokenizer(world: World) -> PreTrainedTokenizerFast:
    """A word-level tokenizer of the world; decoding gives back lines that split into the same
    steps.
    """
    ids = {word: i for i, word in enumerate(vocabulary(world))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Replace(step_text.STEP_END, f" {_BREAK} ")
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Sequence(
        [
            # for its space before every word but the first; no word continues another, so the
            # prefix never occurs
            decoders.WordPiece(prefix="##", cleanup=False),
            decoders.Fuse(),
            decoders.Replace(f" {_BREAK} ", step_text.STEP_END),
            decoders.Replace(f" {_BREAK}", step_text.STEP_END),
            decoders.Replace(f"{_BREAK} ", step_text.STEP_END),
            decoders.Replace(_BREAK, step_text.STEP_END),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        clean_up_tokenization_spaces=False,
    )


def card(world: World, sample: int = 1000) -> dict[str, Any]:
    """The facts of the generated data, for its card; mean lengths are taken over `sample` documents
    a domain.
    """
    by_domain = {"math": world.rates("math"), "code": world.rates("code")}
    return {
        "modulus": world.modulus,
        "definitions": list(world.definitions),
        "filler_share": world.filler_share,
        "wordings": {
            name: {
                "template": wording.template,
                "right": wording.right,
                "misread": wording.misread,
                "misreading_rate": {
                    d: rates[name] for d, rates in by_domain.items() if name in rates
                },
            }
            for name, wording in WORDINGS.items()
            if wording.misread is None or name in world.misreading_rates
        },
        "splits": {name: f"{len(part)} % of the hash buckets" for name, part in SPLITS.items()},
        "splits_rule": "a problem belongs to the split that the BLAKE2b hash of its prompt, modulo 100, falls in",
        "vocabulary": len(vocabulary(world)),
        "mean_tokens": {
            name: _lengths(world, sample, share) for name, share in (("math", 1.0), ("code", 0.0))
        },
    }


def _lengths(world: World, sample: int, math_share: float) -> dict[str, float]:
    """Mean tokens of prompts and solutions over the first documents of one domain, line ends
    included, <eos> not.
    """
    # no solution comes near 1,000 tokens, so the corpus never ends before the sample does
    documents = list(
        islice(corpus(world, tokens=sample * 1000, seed=0, math_share=math_share), sample)
    )
    return {
        "prompt": round(mean(count_tokens(prompt) + 1 for prompt, _ in documents), 1),
        "solution": round(mean(count_tokens(solution) for _, solution in documents), 1),
    }
