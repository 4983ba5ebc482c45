"""The same solutions in other steps: nothing but the steps changes, and the truth of a step is that
of its lines.
"""

import pandas as pd
import pytest

from prmscale.policies.resplit import resplit
from prmscale.study import Dataset, World
from prmscale.tasks import steps
from prmscale.tasks.registry import build
from prmscale.tasks.world import arithmetic, programs
from prmscale.tasks.world.specifications import Specification, find_misreadable

SOLVE = {
    "arithmetic": lambda specification, misread: arithmetic.solve(specification, 7, misread),
    "programs": programs.solve,
}


def written(source):
    """The task, its problems, and a right and a misread solution of each, a step a line."""
    task = build(Dataset(name=source, source=source), World(), None)
    rows, problems = [], task.load("test", 20, 0)
    for problem in problems:
        specification = Specification.from_json(problem.detail["specification"])
        for number, misread in enumerate((frozenset(), find_misreadable(problem))):
            lines = SOLVE[source](specification, misread)
            rows.append((problem.problem_id, number, lines, steps.join(lines), 0.25 * number))
    columns = ["problem_id", "solution_id", "steps", "text", "logprob"]
    return task, {p.problem_id: p for p in problems}, pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize("source", SOLVE)
@pytest.mark.parametrize("rule", ["words_20", "words_50", "statement", "function", "blank_line"])
def test_only_the_steps_change_and_a_step_is_right_up_to_its_last_line(source, rule):
    task, problems, lines = written(source)
    again = resplit(lines, "other", rule)
    assert again.text.tolist() == lines.text.tolist()
    assert again.logprob.tolist() == lines.logprob.tolist()
    assert set(again.problem_id.str.split("/").str[0]) == {"other"}
    truths = []
    for row, before in zip(again.itertuples(), lines.itertuples(), strict=True):
        problem = problems[before.problem_id]
        of_lines = task.truth(problem, before.steps)
        ends, count = [], 0
        for step in row.steps:
            count += len(step.splitlines())
            ends.append(of_lines[count - 1])
        assert count == len(before.steps) and task.truth(problem, row.steps) == ends
        truths += ends
    assert {True, False} == set(truths)


def test_a_step_of_words_ends_with_the_line_that_has_its_last_word():
    *_, lines = written("arithmetic")
    for row, before in zip(
        resplit(lines, "other", "words_20").itertuples(), lines.itertuples(), strict=True
    ):
        expected, open_ = [], []
        for line in before.steps:
            open_.append(line)
            if len(" ".join(open_).split()) >= 20:
                expected.append("\n".join(open_))
                open_ = []
        assert row.steps == expected + ["\n".join(open_)] * bool(open_)
