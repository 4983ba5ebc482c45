"""The main memory of jobs that hold tables, from the number of rows that the study will have.

A megabyte here holds what `benchmarks/growth.py` measured, rounded up; docs/cluster.md has the
numbers.
"""

from __future__ import annotations

from prmscale.plan.plan import Plan

PROGRAM = 500  # MB of a job without a row
PROBLEM = 5e-3  # MB a problem
SEARCH_ROW = 600e-6  # MB a row of the search tables
LABEL = 600e-6  # MB a labelled step
SOLUTION = 20e-3  # MB a solution in a job that chooses among solutions, beside its rows
VARIANTS = 3  # of a strategy without a reward model, as a mean


class Holdings:
    """What jobs of a study hold in main memory, in MB; `least` is what they ask for at least."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.study = plan, plan.study

    def searches(self, least: int) -> int:
        """A job that reads all search tables."""
        names = self.study.reward_model_names()
        rows = self.unscored_rows() + sum(map(self.scored_rows, names)) + self._tree_rows()
        return max(least, PROGRAM + round(rows * SEARCH_ROW))

    def tests(self, least: int, *reward_models: str) -> int:
        """A job that chooses among the solutions of all tests: by one of these reward models, or
        without any.
        """
        rows = max(map(self.scored_rows, reward_models), default=self.unscored_rows())
        solutions = sum(
            self.study.dataset(name).test * each.samples for each, name in self.study.tests()
        )
        return max(least, PROGRAM + round(rows * SEARCH_ROW + solutions * SOLUTION))

    def problems(self, least: int) -> int:
        """A job that holds the problems of a data set, or compares those of all."""
        splits = ("train", "validation", "test")
        sizes = [getattr(each, split) for each in self.study.datasets for split in splits]
        return max(least, PROGRAM + round(sum(sizes) * PROBLEM))

    def labels(self, least: int) -> int:
        """A job that reads tables of labels."""
        sizes = [
            self.study.dataset(name).train + self.study.dataset(name).validation
            for _, name, _ in self.study.all_label_tables()
        ]
        steps = max(self.study.cost.steps.values())
        return max(least, PROGRAM + round(sum(sizes) * self.study.labels.solutions * steps * LABEL))

    def scored_rows(self, reward_model: str) -> int:
        """The rows of a reward model's search table, at most."""
        trainings = len(self.plan.paths.reward_folders(reward_model))
        earlier = self.plan.checkpoints(reward_model) - trainings
        choices = trainings * len(self.plan.strategies(scored=True)) + earlier
        return self._choices(reward_model) * choices * len(self.study.search.aggregations)

    def unscored_rows(self) -> int:
        """The rows of the strategies without a reward model, and by the likelihood of bases."""
        bases = [self.plan.paths.base_folders(name) for name in self.study.search.likelihoods]
        kinds = len(self.plan.strategies(scored=False)) + sum(map(len, bases))
        return self._choices() * kinds * VARIANTS

    def _choices(self, reward_model: str | None = None) -> int:
        """The problems of all tests, times the budgets."""
        tests = self.study.tests(reward_model)
        problems = sum(self.study.dataset(name).test for _, name in tests)
        return problems * len(self.study.search.budgets)

    def _tree_rows(self) -> int:
        """The rows of searches step by step."""
        tree, rows = self.study.search.tree, 0
        for name, _, dataset in self.plan.tree_searches():
            trainings = len(self.plan.paths.reward_folders(name))
            rows += trainings * self.study.dataset(dataset).test
        return rows * len(self.study.search.budgets) * len(tree.strategies) * len(tree.aggregations)
