"""Drawing problems from published rows: in an order that a seed fixes, with each row that is left
out listed by reason.

A row is left out where the configuration or we know it to be wrong, or where it cannot be judged
here: no tests, or a reference solution that fails them in the box. The rows after it take its
place, and all others keep theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from prmscale.errors import UserError
from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.sources import PUBLISHED, Rows

LeftOut = Mapping[str, Sequence[str]]  # reason: the ids of rows
FAILS = "no published solution passes the tests here"
_TODO = "Ask for fewer, raise code_execution.seconds or memory_mb, or give code_execution.packages what they import"
_IDS = (
    "task_id",
    "question_id",
    "unique_id",
    "problem_id",
    "name",
    "id",
)  # columns that tell rows apart
_BATCH = 64  # rows judged together where all are wanted
_NAMED = 10  # ids that a message names


class Drawn:
    """Problems of a published set; who extends it says which rows a split has, and makes their
    problems.
    """

    source: str

    def __init__(self, name: str, path: str | None, leave_out: Sequence[str] = ()) -> None:
        self.name, self.path, self.leave_out = name, path, leave_out
        self.left_out: dict[str, list[str]] = {}  # over all splits loaded so far

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """`count` problems of a split (None: all that can be judged); rows left out on the way are
        printed and kept.
        """
        rows, own = self._rows(split)
        bad = self._bad(rows, split)
        order = sources.chosen(own, None, seed, f"{self.name} {split}")
        self._check(split, count, sum(i not in bad for i in order), {})

        def judge(batch: Sequence[int]) -> list[Problem | str]:
            made = iter(self._made(rows, split, [i for i in batch if i not in bad]))
            return [bad[i] if i in bad else next(made) for i in batch]

        self._prepare(rows, [i for i in order if i not in bad][:count])
        found, left_out = draw(order, count, judge, lambda index: row_id(rows, index))
        for reason, ids in left_out.items():
            print(f"{self.name} {split}: problems left out: {reason}: {_counted(ids)}")
            self.left_out.setdefault(reason, []).extend(ids)
        self._check(split, count, len(found), left_out)
        return found

    def _rows(self, split: str) -> tuple[Rows, list[int]]:
        """The rows that a split is taken from, and the indices of those that belong to it."""
        raise NotImplementedError

    def _made(self, rows: Rows, split: str, batch: Sequence[int]) -> Sequence[Problem | str]:
        """The problem of each row, or why it cannot be judged."""
        raise NotImplementedError

    def _prepare(self, rows: Rows, first: Sequence[int]) -> None:
        """Raise UserError if what the rows drawn first need as a whole is not here."""

    def _bad(self, rows: Rows, split: str) -> dict[int, str]:
        """The rows that are left out unseen, with the reason."""
        known = PUBLISHED[self.source].left_out
        names = [row_id(rows, i) for i in range(len(rows))] if known or self.leave_out else []
        wrong = {i: known[name] for i, name in enumerate(names) if name in known}
        published = PUBLISHED[self.source].splits.get(split, split)
        named = {
            i for i, name in enumerate(names) if {name, f"{published}/{name}"} & set(self.leave_out)
        }
        unknown = set(self.leave_out) - set(names) - {f"{published}/{name}" for name in names}
        if unknown and (nowhere := unknown - _ids_of_all(self.source, self.path)):
            raise UserError(
                f"{self.name}: leave_out names {', '.join(sorted(nowhere))}, which no row of "
                f"{self.source} has. Rows are named by their published id, else by their number in "
                "the published file, from 0; SPLIT/ID names that of one published split"
            )
        return dict.fromkeys(named, "named by leave_out in the configuration") | wrong

    def _check(self, split: str, count: int | None, there: int, left_out: LeftOut) -> None:
        if count is not None and there < count:
            facts = "; ".join(f"{reason}: {_counted(ids)}" for reason, ids in left_out.items())
            why = f" that can be judged (left out: {facts})" if facts else ""
            todo = f". {_TODO}" if any(reason.startswith(FAILS) for reason in left_out) else ""
            raise UserError(
                f"{self.name} {split}: {count} problems are asked for and there are "
                f"{there}{why}{todo}"
            )


def row_id(rows: Rows, index: int) -> str:
    """What names a row: its published id, else its number in the published file, from 0."""
    row = rows[index]
    named = (
        [row[key] for key in _IDS if key in row and row[key] not in (None, "")]
        if isinstance(row, Mapping)
        else []
    )
    return str(named[0] if named else index)


def draw(
    order: Sequence[int],
    count: int | None,
    judge: Callable[[Sequence[int]], Sequence[Problem | str]],
    identify: Callable[[int], str],
) -> tuple[list[Problem], dict[str, list[str]]]:
    """The first `count` problems (None: all) that rows in this order give, and the ids of rows left
    out, by reason.
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


def _ids_of_all(source: str, path: str | None) -> set[str]:
    """The names of the rows of all published splits that are there, also with the split before
    them.
    """
    names: set[str] = set()
    splits = PUBLISHED[source].splits
    for split in dict.fromkeys((*splits.values(), *(splits if path else ()))):
        try:
            rows = sources.rows(source, path, split)
        except UserError:  # a split that is not used may be missing
            continue
        own = [row_id(rows, i) for i in range(len(rows))]
        names.update(own, (f"{split}/{name}" for name in own))
    return names


def _counted(ids: Sequence[str]) -> str:
    """How many, and which ones, as far as a message has room."""
    more = ", …" if len(ids) > _NAMED else ""
    return f"{len(ids)} ({', '.join(ids[:_NAMED])}{more})"
