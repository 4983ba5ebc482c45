"""Whether test problems are among the training problems, exactly or by long shared passages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

Words = tuple[str, ...]


def table(train: pd.DataFrame, test: pd.DataFrame, n: int = 13) -> pd.DataFrame:
    """Overlap of every pair of a training set and a test set; both tables need `dataset`, `prompt`.

    `exact` counts test problems with the words of a training problem, `ngram` test problems that
    share any run of n words with a training problem (the check of GPT-3, arXiv 2005.14165, appendix
    C). `ngram_share` is `ngram` as a share of the test problems.
    """
    tests = _read(test)
    rows = []
    for train_name, train_problems in _read(train).items():
        whole = set(train_problems)
        grams = {gram for words in train_problems for gram in _grams(words, n)}
        for test_name, problems in tests.items():
            shared = sum(not grams.isdisjoint(_grams(words, n)) for words in problems)
            rows.append(
                {
                    "train": train_name,
                    "test": test_name,
                    "train_problems": len(train_problems),
                    "test_problems": len(problems),
                    "exact": sum(words in whole for words in problems),
                    "ngram": shared,
                    "ngram_share": shared / len(problems),
                    "n": n,
                }
            )
    return pd.DataFrame(rows)


def _read(problems: pd.DataFrame) -> dict[str, list[Words]]:
    """The words of each problem, by data set."""
    by_dataset = problems.groupby("dataset", sort=True)["prompt"]
    return {str(name): list(map(_words, prompts)) for name, prompts in by_dataset}


def _words(text: str) -> Words:
    """Lower-case words and marks."""
    return tuple(re.findall(r"\w+|[^\w\s]", text.lower()))


def _grams(words: Words, n: int) -> Iterator[Words]:
    return (words[i : i + n] for i in range(len(words) - n + 1))
