"""Multiple-choice questions: GPQA and MMLU-Pro. The answer is the letter of an option."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from string import ascii_uppercase

from prmscale import seeds
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.base import PublishedBenchmark, row_id
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import choices


class MultipleChoice(PublishedBenchmark):
    """Questions with lettered options; `detail` holds the options in their order."""

    domain: Domain = "knowledge"
    key: str

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        return sources.rows_of_split(self.source, self.path, split, self.key)

    def _make_problems(self, rows: Rows, split: str, batch: Sequence[int]) -> list[Problem]:
        return [self._make_problem(rows, split, index) for index in batch]

    def _make_problem(self, rows: Rows, split: str, index: int) -> Problem:
        options, right = self._read_options(rows, index)
        lettered = zip(ascii_uppercase, options, strict=False)
        lines = [f"{letter}. {option}" for letter, option in lettered]
        prompt = "\n".join([rows.field(index, self.key, str).strip(), "", *lines])
        problem = self._problem(split, index, prompt, ascii_uppercase[right], tests=None)
        return replace(problem, detail=options)

    def _read_options(self, rows: Rows, index: int) -> tuple[list[str], int]:
        """The options in the order of their letters, and the number of the right one, from 0."""
        raise NotImplementedError

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Compares the letter of the chosen option with the right one; a vote counts the letter."""
        found = [choices.find(t, p.detail) for p, t in zip(problems, texts, strict=True)]
        return [
            Grade(letter, letter == problem.answer, rule)
            for problem, (letter, rule) in zip(problems, found, strict=True)
        ]


class GPQA(MultipleChoice):
    """GPQA-diamond: 198 questions of graduate science (Rein et al. 2023, arXiv 2311.12022).

    The published rows have the right answer first: each question's options are put into an order
    that its id fixes, the same in every study. The set is gated: accept its terms on the hub, or
    give the published CSV as `path`.
    """

    source, key, subject_column = "gpqa", "Question", "High-level domain"
    columns = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")

    def _read_options(self, rows: Rows, index: int) -> tuple[list[str], int]:
        answers = [rows.field(index, column, str).strip() for column in self.columns]
        name = f"options of {self.source} {row_id(rows, index)}"
        order = list(seeds.generator(0, name).permutation(len(answers)))
        return [answers[place] for place in order], order.index(0)


class MMLUPro(MultipleChoice):
    """MMLU-Pro: 12,032 questions of 14 subjects, most with ten options (Wang et al. 2024).

    arXiv 2406.01574. The options stay in their published order.
    """

    source, key, subject_column = "mmlu_pro", "question", "category"

    def _read_options(self, rows: Rows, index: int) -> tuple[list[str], int]:
        options, letter = rows.field(index, "options", list), rows.field(index, "answer", str)
        if not 2 <= len(options) <= 10 or not all(isinstance(each, str) for each in options):
            rows.refuse(index, "'options' should be a list of 2 to 10 texts")
        if letter not in ascii_uppercase[: len(options)] or len(letter) != 1:
            rows.refuse(index, f"'answer' should be the letter of an option and is {letter!r}")
        number = ascii_uppercase.index(letter)
        if rows[index].get("answer_index", number) != number:
            rows.refuse(index, "'answer' and 'answer_index' are not the same option")
        return [option.strip() for option in options], number
