"""Whether test problems are among the training problems, exactly or by long shared passages.

Passages are compared by hashes of 64 bits, and training problems are read in parts: memory grows
with the test problems alone. With 100 million passages on each side, some two that differ are taken
for equal in one of two thousand studies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Hashes = npt.NDArray[np.uint64]
PART = 10_000  # problems whose words are in memory at once
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, as in splitmix64


def table(train: pd.DataFrame, test: pd.DataFrame, n: int = 13) -> pd.DataFrame:
    """Overlap of every pair of a training set and a test set; both tables need `dataset`, `prompt`.

    `exact` counts test problems with the words of a training problem, `ngram` test problems that
    share any run of n words with a training problem (the check of GPT-3, arXiv 2005.14165, appendix
    C). `ngram_share` is `ngram` as a share of the test problems.
    """
    numbers: dict[str, int] = {}
    tests = {name: _join(_read(prompts, n, numbers)) for name, prompts in _split(test)}
    rows = []
    for train_name, prompts in _split(train):
        overlaps = {name: _Overlap(each) for name, each in tests.items()}
        for part in _read(prompts, n, numbers):
            for overlap in overlaps.values():
                overlap.add(part)
        for test_name, overlap in overlaps.items():
            problems = len(overlap.tests.texts)
            exact, ngram = overlap.count()
            rows.append(
                {
                    "train": train_name,
                    "test": test_name,
                    "train_problems": len(prompts),
                    "test_problems": problems,
                    "exact": exact,
                    "ngram": ngram,
                    "ngram_share": ngram / problems,
                    "n": n,
                }
            )
    return pd.DataFrame(rows)


class _Part(NamedTuple):
    """Problems: their words as one text each; and the hash of each run of n words, and the place of
    its problem.
    """

    texts: list[str]
    runs: Hashes
    owners: npt.NDArray[np.int32]


class _Overlap:
    """What training problems share with test problems."""

    def __init__(self, tests: _Part) -> None:
        self.tests = tests
        self._texts = Counter(tests.texts)
        self._runs = np.unique(tests.runs)
        self._same: set[str] = set()
        self._shared = np.zeros(len(self._runs), dtype=bool)

    def add(self, train: _Part) -> None:
        """Take account of these training problems."""
        self._same.update(self._texts.keys() & train.texts)
        self._shared |= np.isin(self._runs, train.runs)

    def count(self) -> tuple[int, int]:
        """The test problems that are training problems, and those that share a run of words."""
        sharing = self.tests.owners[np.isin(self.tests.runs, self._runs[self._shared])]
        return sum(self._texts[text] for text in self._same), len(np.unique(sharing))


def _split(problems: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """The prompts of each data set."""
    for name, prompts in problems.groupby("dataset", sort=True)["prompt"]:
        yield str(name), prompts


def _read(prompts: pd.Series, n: int, numbers: dict[str, int]) -> Iterator[_Part]:
    """The problems in parts; `numbers` numbers the words, and takes up new ones."""
    for start in range(0, len(prompts), PART):
        words = [_words(prompt) for prompt in prompts.iloc[start : start + PART]]
        counts = np.array([len(each) for each in words])
        flat = [numbers.setdefault(word, len(numbers)) for each in words for word in each]
        owners = np.repeat(np.arange(len(words), dtype=np.int32), counts)
        runs = _hash_runs(np.array(flat, dtype=np.uint64), n)
        inside = owners[: len(runs)] == owners[len(flat) - len(runs) :]
        yield _Part([" ".join(each) for each in words], runs[inside], owners[: len(runs)][inside])


def _join(parts: Iterator[_Part]) -> _Part:
    """All parts as one."""
    found = [*parts]
    texts: list[str] = []
    owners = []
    for part in found:
        owners.append(part.owners + len(texts))
        texts += part.texts
    return _Part(texts, np.concatenate([part.runs for part in found]), np.concatenate(owners))


def _hash_runs(numbers: Hashes, n: int) -> Hashes:
    """A hash of each run of n numbers: their mixed values, each times an odd factor of its place,
    summed modulo 2^64.
    """
    runs = max(0, len(numbers) - n + 1)
    mixed, total = _mix(numbers + np.uint64(1)), np.zeros(runs, dtype=np.uint64)
    factors = _mix(np.arange(1, n + 1, dtype=np.uint64)) | np.uint64(1)
    for place, factor in enumerate(factors):
        total += mixed[place : place + runs] * factor
    return total


def _mix(values: Hashes) -> Hashes:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014), which sets every bit by all."""
    values = values * _MIX
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _words(text: str) -> list[str]:
    """Lower-case words and marks."""
    return re.findall(r"\w+|[^\w\s]", text.lower())
