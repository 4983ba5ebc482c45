"""Are test problems among the training problems: exactly, or by long shared passages?"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())


def _grams(words: list[str], n: int) -> Iterable[tuple[str, ...]]:
    return (tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def table(train: pd.DataFrame, test: pd.DataFrame, n: int = 13) -> pd.DataFrame:
    """Overlap of every (training set, test set) pair; both tables need `dataset` and `prompt`.

    `exact` counts test problems whose words stand as a training problem; `ngram` those that share
    any run of n words with one (the check of GPT-3, arXiv 2005.14165, appendix C). `ngram_share` is
    their share of the test problems.
    """
    tests = [
        (name, [_words(p) for p in group.prompt])
        for name, group in test.groupby("dataset", sort=True)
    ]
    rows = []
    for train_name, group in train.groupby("dataset", sort=True):
        whole: set[tuple[str, ...]] = set()
        grams: set[tuple[str, ...]] = set()
        for prompt in group.prompt:
            words = _words(prompt)
            whole.add(tuple(words))
            grams.update(_grams(words, n))
        for test_name, problems in tests:
            exact = sum(tuple(words) in whole for words in problems)
            shared = sum(any(gram in grams for gram in _grams(words, n)) for words in problems)
            rows.append(
                {
                    "train": train_name,
                    "test": test_name,
                    "train_problems": len(group),
                    "test_problems": len(problems),
                    "exact": exact,
                    "ngram": shared,
                    "ngram_share": shared / len(problems),
                    "n": n,
                }
            )
    return pd.DataFrame(rows)
