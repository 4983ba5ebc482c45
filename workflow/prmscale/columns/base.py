"""What describes a CSV file, and the meanings that several files share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_END = re.compile(r"(.+)_(low|high)")
_PLACEHOLDER = re.compile(r"[A-Z]+")


class CsvFile(NamedTuple):
    """A CSV file: its columns in order, the meanings that it alone gives to some, and its content.

    A column in brackets is absent from some studies. Capitals stand for names of the
    configuration.
    """

    path: str
    columns: str
    meanings: Mapping[str, str] = {}
    content: str = ""

    @property
    def name(self) -> str:
        """The file's name without its folder and ending."""
        return self.path.rpartition("/")[2].removesuffix(".csv")

    @property
    def names(self) -> list[str]:
        """The names of all columns, in order."""
        return [column.strip("[]") for column in self.columns.split()]

    def find_shared(self, column: str) -> str:
        """The entry of SHARED that explains a column; empty if the file explains it.

        Raises KeyError if nothing does.
        """
        if column in self.meanings:
            return ""
        end = _END.fullmatch(column)
        if end and end.group(1) in self.names:
            return "X_low, X_high"
        return _ENTRIES[column]

    def allows(self, header: list[str]) -> bool:
        """Whether a file with this header has the columns described, in order."""
        parts = []
        for column in self.columns.split():
            name = _PLACEHOLDER.sub("[^,]+", column.strip("[]"))
            parts.append(f"(?:{name},)*" if column.startswith("[") else f"{name},")
        return re.fullmatch("".join(parts), "".join(f"{name}," for name in header)) is not None


SHARED = {
    "aggregation": "how the scores of steps (last, min, product, mean, sum), or the "
    "log-probabilities of tokens (sum, mean, min), become the score of a solution; the exponent of "
    "self-certainty votes (p1 is 1); empty without scores",
    "base_flops": "FLOPs of the pre-training of the reward model's base",
    "base_parameters": "parameters of the reward model's base",
    "base_tokens": "tokens that the reward model's base learnt in pre-training",
    "budget": "budget n in samples' worth: the tokens that n samples of the problem take; n of "
    "best-of-n",
    "calibration_error": "expected calibration error of the labels: mean gap between `value` and "
    "the truth, a share",
    "comparable": "share of the selected texts that have another text to be exchanged with",
    "dataset": "data set",
    "domain": "math, code or knowledge: the domain of the data set",
    "first": "set of responses to math: MathPRM (selected) or Math (any)",
    "flops_cached": "mean FLOPs of policy and reward model on a problem, if no prefix is read "
    "twice",
    "k": "rollouts per prefix, or their maximum",
    "kind": "the facts in which the reward models differ; empty for strategies without one",
    "labels": "label method, or corpus, of the training set",
    "low, high": "ends of the interval of the main number (`mean`, `effect`, `accuracy`, `value`, "
    "`lead`) at analysis.level, in its unit; over problems, and training seeds if there are any",
    "mean": "mean accuracy, a share",
    "method": "label method",
    "n": "number of problems",
    "p": "p-value of the permutation test, two-sided",
    "policy": "the policy that wrote the solutions",
    "policy_tokens": "mean tokens that the policy generated for a problem",
    "reference": "language model whose activations are compared",
    "reward_model": "the reward model; empty for strategies without one",
    "right": "share of the steps that are labelled right",
    "rollouts": "number of rollouts, including those that gave no label",
    "second": "set of responses to code: CodePRM (selected) or Code (any)",
    "seconds": "mean time of a problem in seconds: tokens times the measured time per token in "
    "full batches",
    "seeds": "number of training seeds of the reward model",
    "share": "`spent` as a share of `budget`",
    "solutions": "number of solutions",
    "source": "this study or paper (the number that the paper prints)",
    "spent": "tokens spent, in samples' worth: over the mean tokens of a sample of the same "
    "problems",
    "steps": "number of labelled steps",
    "strategy": "search strategy, or one_sample, random, majority, likelihood, oracle",
    "train_on": "the domain of the training set, or both for math and code, or several with +",
    "training_step": "training steps (updates) of the reward model so far",
    "unanswered": "share of the problems without a solution within the budget",
    "verdict": "supported, not supported, inconclusive, or not yet measured; empty if nothing is "
    "judged",
    "X_low, X_high": "ends of the interval of the column X at analysis.level, in the unit of X",
}

_ENTRIES = {column: entry for entry in SHARED for column in entry.split(", ")}

# of the table and of the figure of activation patterns
SIMILARITY = {
    "mean": "similarity of the sets `first` and `second` (mean normalised dot product of activation"
    " patterns, a share), or the contrast `comparison` of similarities",
    "comparison": "the contrast: two ways of choosing a response, the first less the second; empty "
    "in rows of similarities",
    "policy": "the policy that wrote the responses",
}
