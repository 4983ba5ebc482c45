"""The pre-training corpus and its vocabulary: authors with popular misreadings solve problems."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from statistics import mean
from typing import TYPE_CHECKING, Any

from prmscale import seeds
from prmscale.study import PairedDomain, World
from prmscale.tasks import steps as step_text
from prmscale.tasks.world import arithmetic, programs
from prmscale.tasks.world.specifications import NAMES, SPLITS, WORDINGS, stream_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, END = "<pad>", "<unk>", "<eos>"
_BREAK = "<n>"  # the word for a line end, since spaces separate words
_DOMAINS: tuple[PairedDomain, ...] = ("math", "code")


def corpus(world: World, tokens: int, seed: int, math_share: float) -> Iterator[tuple[str, str]]:
    """Documents (prompt, solution) until the solutions hold `tokens` tokens.

    Every document has another author, who misreads each wording with that wording's rate, always in
    the same way, and makes no other mistake. `math_share` is a share of documents, not of tokens.
    """
    stream = seeds.generator(seed, "authors")
    math = stream_of(world, "pretrain", seed, False, arithmetic.prompt)
    code = stream_of(world, "pretrain", seed, True, programs.prompt)
    rates = {domain: sorted(world.rates(domain).items()) for domain in _DOMAINS}
    written = 0
    while written < tokens:
        domain: PairedDomain = "math" if stream.random() < math_share else "code"
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
    """The number of tokens of a text of the world: its words and its line ends."""
    return len(text.split()) + text.count(step_text.STEP_END)


def vocabulary(world: World) -> list[str]:
    """Every word of the world: special tokens, the line end, numbers, then the others sorted."""
    numbers = [str(n) for n in range(max(world.modulus, 4))]
    words = {"is", "find", "return", "answer", "x", ";", ":", "=", "+", "-", "*", *NAMES}
    for wording in WORDINGS.values():
        words |= {word for word in wording.template.split() if not word.startswith("{")}
    return [PAD, UNKNOWN, END, _BREAK, *numbers, *sorted(words - set(numbers))]


def build_tokenizer(world: World) -> PreTrainedTokenizerFast:
    """A word-level tokenizer of the world; decoded texts split into the same steps."""
    # the corpus and its card need neither library
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ids = {word: i for i, word in enumerate(vocabulary(world))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Replace(step_text.STEP_END, f" {_BREAK} ")
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Sequence(
        [
            # puts a space before every word but the first; no word has the prefix
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
    """The facts of the generated data; mean lengths come from `sample` documents per domain."""
    return {
        "modulus": world.modulus,
        "constants": world.constants,
        "definitions": list(world.definitions),
        "filler_share": world.filler_share,
        "wordings": {
            name: _describe(world, name)
            for name, wording in WORDINGS.items()
            if wording.misread is None or name in world.misreading_rates
        },
        "splits": {name: f"{len(part)} % of the hash buckets" for name, part in SPLITS.items()},
        "splits_rule": (
            "a problem belongs to the split that the BLAKE2b hash of its prompt, modulo 100, "
            "falls in"
        ),
        "vocabulary": len(vocabulary(world)),
        "mean_tokens": {
            "math": _measure_lengths(world, sample, math_share=1.0),
            "code": _measure_lengths(world, sample, math_share=0.0),
        },
    }


def _describe(world: World, name: str) -> dict[str, Any]:
    """The facts of a wording: its template, its readings, and its misreading rate per domain."""
    wording = WORDINGS[name]
    rates = {domain: world.rates(domain) for domain in _DOMAINS}
    return {
        "template": wording.template,
        "right": wording.right,
        "misread": wording.misread,
        "misreading_rate": {
            domain: rates[domain][name] for domain in rates if name in rates[domain]
        },
    }


def _measure_lengths(world: World, sample: int, math_share: float) -> dict[str, float]:
    """Mean tokens of the prompts and solutions of one domain's first documents.

    Line ends count, <eos> does not.
    """
    # no solution has 1,000 tokens, so the corpus never ends before the sample
    stream = corpus(world, tokens=sample * 1000, seed=0, math_share=math_share)
    documents = list(islice(stream, sample))
    return {
        "prompt": round(mean(count_tokens(prompt) + 1 for prompt, _ in documents), 1),
        "solution": round(mean(count_tokens(solution) for _, solution in documents), 1),
    }
