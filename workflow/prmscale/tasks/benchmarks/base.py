"""The base classes of published benchmarks.

A benchmark draws problems from published rows in an order that the seed fixes. It leaves out a row
that the configuration or `sources.PUBLISHED` names, and a row that cannot be judged on this machine
(it has no tests, or its reference solution fails them in the sandbox). The next rows in the order
take the places of the rows left out, so no other problem changes its place. Every row left out is
listed with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.benchmarks.sources import OF_FILE, PUBLISHED
from prmscale.tasks.grading import sandbox
from prmscale.tasks.grading.sandbox import Limits, Outcome, Program

LeftOut = Mapping[str, Sequence[str]]  # reason: the ids of rows
FAILS = "no published solution passes the tests here"
_BY_CONFIGURATION = "named by leave_out in the configuration"
_TODO = (
    "Ask for fewer, raise code_execution.seconds or memory_mb, or give code_execution.packages "
    "what they import"
)
# columns that identify a row
_IDS = ("task_id", "question_id", "unique_id", "problem_id", "name", "id", "Record ID")
_BATCH = 64  # rows judged together if all rows are asked for
_NAMED = 10  # ids that a message lists


class PublishedBenchmark:
    """Problems of a published data set.

    A subclass names its `source`, selects the rows of a split (`_select_rows`) and turns rows into
    problems (`_make_problems`). `subject_column` is the published column of subjects, if any.
    """

    domain: Domain
    source: str
    subject_column = ""

    def __init__(
        self,
        name: str,
        path: str | None,
        leave_out: Sequence[str] = (),
        subjects: Sequence[str] = (),
    ) -> None:
        self.name, self.path, self.leave_out, self.subjects = name, path, leave_out, subjects
        self.left_out: dict[str, list[str]] = {}  # over all splits loaded so far

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split (None: all that can be judged).

        Prints the rows left out and keeps their ids in `left_out`. Raises UserError if there are
        fewer than `count` problems.
        """
        rows, indices = self._select_rows(split)
        indices = self._keep_subjects(rows, indices)
        excluded = self._find_excluded(rows, split)
        order = sources.choose(indices, None, seed, f"{self.name} {split}")
        candidates = [index for index in order if index not in excluded]
        self._check_count(split, count, len(candidates), {})

        def judge(batch: Sequence[int]) -> list[Problem | str]:
            made = iter(self._make_problems(rows, split, [i for i in batch if i not in excluded]))
            return [excluded[i] if i in excluded else next(made) for i in batch]

        self._check_requirements(rows, candidates[:count])
        problems, left_out = draw(order, count, judge, lambda index: row_id(rows, index))
        for reason, ids in left_out.items():
            print(f"{self.name} {split}: problems left out: {reason}: {_summarize(ids)}")
            self.left_out.setdefault(reason, []).extend(ids)
        self._check_count(split, count, len(problems), left_out)
        return problems

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Judge `texts[i]`, a whole solution of `problems[i]`."""
        raise NotImplementedError

    def _select_rows(self, split: str) -> tuple[Rows, list[int]]:
        """The rows of the file that holds a split, and the indices of the rows in the split."""
        raise NotImplementedError

    def _keep_subjects(self, rows: Rows, indices: list[int]) -> list[int]:
        """The rows of the configured subjects; all if none is configured.

        Raises UserError, with near misses, if a subject has no rows.
        """
        if not self.subjects:
            return indices
        found = {index: rows.field(index, self.subject_column, str) for index in indices}
        names = sorted(set(found.values()))
        for subject in self.subjects:
            if subject not in names:
                near = get_close_matches(subject, names, 1)
                hint = f"Did you mean {near[0]!r}? " if near else ""
                raise UserError(
                    f"{self.name}: subjects names {subject!r}, which no row has. {hint}"
                    f"Possible: {', '.join(names)}"
                )
        return [index for index in indices if found[index] in self.subjects]

    def _make_problems(
        self, rows: Rows, split: str, batch: Sequence[int]
    ) -> Sequence[Problem | str]:
        """The problem of each row, or the reason why it cannot be judged."""
        raise NotImplementedError

    def _problem(
        self, split: str, index: int, prompt: str, answer: Any, tests: Any, difficulty: int = 0
    ) -> Problem:
        """The problem of row `index`."""
        return Problem(
            problem_id=f"{self.name}/{split}/{index:05d}",
            domain=self.domain,
            split=split,
            prompt=prompt,
            answer=answer,
            tests=tests,
            difficulty=difficulty,
            source=self.source,
            licence=OF_FILE if self.path else PUBLISHED[self.source].licence,
        )

    def _check_requirements(self, rows: Rows, first: Sequence[int]) -> None:
        """Raise UserError if this machine lacks what most of the first rows need."""

    def _find_excluded(self, rows: Rows, split: str) -> dict[int, str]:
        """The rows that are left out without being judged, each with the reason.

        Raises UserError if `leave_out` names an id that no row of any split has.
        """
        published = PUBLISHED[self.source]
        if not published.left_out and not self.leave_out:
            return {}
        prefix = published.splits.get(split, split)
        asked = set(self.leave_out)
        excluded, known = {}, set()
        for index in range(len(rows)):
            name = row_id(rows, index)
            names = {name, f"{prefix}/{name}"}
            known |= names
            if name in published.left_out:
                excluded[index] = published.left_out[name]
            elif names & asked:
                excluded[index] = _BY_CONFIGURATION
        if unknown := asked - known:
            self._check_other_splits(unknown)
        return excluded

    def _check_other_splits(self, names: set[str]) -> None:
        """Raise UserError unless some published split has a row for each of these names."""
        unknown = names - _list_ids(self.source, self.path)
        if unknown:
            raise UserError(
                f"{self.name}: leave_out names {', '.join(sorted(unknown))}, which no row of "
                f"{self.source} has. Rows are named by their published id, else by their number in "
                "the published file, from 0; SPLIT/ID names that of one published split"
            )

    def _check_count(
        self, split: str, count: int | None, available: int, left_out: LeftOut
    ) -> None:
        """Raise UserError if fewer problems are available than asked for."""
        if count is None or available >= count:
            return
        facts = "; ".join(f"{reason}: {_summarize(ids)}" for reason, ids in left_out.items())
        why = f" that can be judged (left out: {facts})" if facts else ""
        todo = f". {_TODO}" if any(reason.startswith(FAILS) for reason in left_out) else ""
        raise UserError(
            f"{self.name} {split}: {count} problems are asked for and there are "
            f"{available}{why}{todo}"
        )


class CodeBenchmark(PublishedBenchmark):
    """A published data set whose solutions are programs; they run in the sandbox."""

    domain: Domain = "code"

    def __init__(
        self, name: str, path: str | None, execution: CodeExecution, leave_out: Sequence[str] = ()
    ) -> None:
        super().__init__(name, path, leave_out)
        self.allow_unsafe = execution.allow_unsafe
        self.limits = Limits(
            execution.seconds,
            execution.memory_mb,
            output_kib=16384,  # enough for the values of a thousand calls
            packages=execution.packages,
        )

    def _run(self, programs: Sequence[Program], limits: Limits | None = None) -> list[Outcome]:
        """The outcome of each program under the configured limits, or under these."""
        return sandbox.run(programs, limits or self.limits, self.allow_unsafe)


def row_id(rows: Rows, index: int) -> str:
    """The published id of a row, else its number in the published file, from 0."""
    row = rows[index]
    if isinstance(row, Mapping):
        for key in _IDS:
            if row.get(key) not in (None, ""):
                return str(row[key])
    return str(index)


def draw(
    order: Sequence[int],
    count: int | None,
    judge: Callable[[Sequence[int]], Sequence[Problem | str]],
    identify: Callable[[int], str],
) -> tuple[list[Problem], dict[str, list[str]]]:
    """The first `count` problems (None: all) of the rows in this order, and the rows left out.

    `judge` returns the problem of each row, or the reason to leave it out; `identify` returns the
    id of a row. The ids of the rows left out are grouped by reason.
    """
    rest = iter(order)
    found: list[Problem] = []
    left_out: dict[str, list[str]] = defaultdict(list)
    while batch := list(islice(rest, _BATCH if count is None else count - len(found))):
        for index, made in zip(batch, judge(batch), strict=True):
            if isinstance(made, str):
                left_out[made].append(identify(index))
            else:
                found.append(made)
    return found, dict(left_out)


def _list_ids(source: str, path: str | None) -> set[str]:
    """The ids of the rows of all published splits, alone and as SPLIT/ID."""
    ids: set[str] = set()
    published = PUBLISHED[source].splits
    for split in dict.fromkeys((*published.values(), *(published if path else ()))):
        try:
            rows = sources.rows(source, path, split)
        except UserError:  # a split that the study does not use may be missing
            continue
        for index in range(len(rows)):
            name = row_id(rows, index)
            ids |= {name, f"{split}/{name}"}
    return ids


def _summarize(ids: Sequence[str]) -> str:
    """The number of ids, and the first of them."""
    more = ", …" if len(ids) > _NAMED else ""
    return f"{len(ids)} ({', '.join(ids[:_NAMED])}{more})"
