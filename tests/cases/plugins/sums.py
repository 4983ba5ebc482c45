"""A task: sums of two numbers; a solution ends with the sum."""

from prmscale.tasks.base import Grade, Problem
from prmscale.tasks.registry import register_task

FIRST = {"train": 0, "validation": 10_000, "test": 20_000}  # the splits have different numbers


@register_task("sums")
class Sums:
    """Problems `a + b =`."""

    domain = "math"

    def __init__(self, dataset, world, execution):
        self.name = dataset.name

    def load(self, split, count, seed):
        """Problems whose second number the seed shifts."""
        pairs = [(FIRST[split] + n, n + seed) for n in range(count or 1000)]
        return [Problem(f"{self.name}/{split}/{a:05d}", "math", split, f"{a} + {b} =", str(a + b),
                        None, 1, "sums", "MIT") for a, b in pairs]  # fmt: skip

    def grade(self, problems, texts):
        """The last word of a solution is its answer."""
        answers = [text.split()[-1] if text.split() else None for text in texts]
        return [Grade(a, a == p.answer) for p, a in zip(problems, answers, strict=True)]
