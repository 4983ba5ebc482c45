"""A new task is a class with `load` and `grade`, and one line of the registry."""

import pytest

from prmscale.errors import UserError
from prmscale.study import DOMAINS, CodeExecution, Dataset, World
from prmscale.tasks import registry
from prmscale.tasks.base import Grade, Problem


class Sums:
    """Sums of two numbers; a solution ends with the sum."""

    domain = "math"

    def __init__(self, name):
        self.name = name

    def load(self, split, count, seed):
        """Problems a + (a + 1), whose order the seed shifts."""
        pairs = [(n + seed, n + seed + 1) for n in range(count)]
        return [
            Problem(f"{self.name}/{split}/{a:05d}", "math", split, f"{a} + {b}", str(a + b),
                    tests=None, difficulty=1, source="sums", licence="MIT")
            for a, b in pairs
        ]  # fmt: skip

    def grade(self, problems, texts):
        """The last word is the answer."""
        answers = [text.split()[-1] for text in texts]
        return [Grade(a, a == p.answer) for p, a in zip(problems, answers, strict=True)]


def test_a_task_is_a_class_and_a_line_of_the_registry(monkeypatch):
    monkeypatch.setitem(registry.TASKS, "sums", lambda dataset, *_: Sums(dataset.name))
    dataset = Dataset(name="toy", source="gsm8k").model_copy(update={"source": "sums"})
    task = registry.build(dataset, World(), CodeExecution())
    problems = task.load("test", 2, seed=3)
    grades = registry.Grader({"toy": task})(problems, [("3 plus 4", "is 7"), ("is 7",)])
    assert grades == [Grade("7", True), Grade("7", False)]


def test_every_source_of_the_configuration_has_a_task():
    assert set(registry.TASKS) == set(DOMAINS)


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("toy", 3, "3 problems are asked for; 2 are loaded"),
        ("other", 2, "ids begin with toy/test/"),
    ],
)
def test_a_task_that_loads_other_problems_than_asked_for_is_named(monkeypatch, name, asked, said):
    task, load = Sums(name), Sums.load
    monkeypatch.setattr(Sums, "load", lambda self, split, count, seed: load(self, split, 2, seed))
    dataset = Dataset(name="toy", source="gsm8k", test=asked)
    with pytest.raises(UserError, match=said):
        registry.load_split(task, dataset, "test", seed=0)
