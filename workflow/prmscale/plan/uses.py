"""The plugins that jobs use: a changed plugin runs these jobs again, and no others."""

from __future__ import annotations

from collections.abc import Iterable

from prmscale import plugins
from prmscale.plan.plan import Plan

Plugins = dict[str, str]  # path: fingerprint


class Uses:
    """The plugins that each kind of job of a study uses, by the names that they registered."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.study = plan.study

    def list_all(self) -> Plugins:
        """Every plugin of the study, used or not."""
        return {path: plugins.load(path) for path in self.study.plugins}

    def grade(self, *datasets: str) -> Plugins:
        """Building or sampling data sets, or reading their grades: their tasks."""
        return plugins.find_used({"source": self._sources(datasets)})

    def label(self, dataset: str, *methods: str) -> Plugins:
        """Labelling a data set by these methods."""
        return plugins.find_used({"source": self._sources([dataset]), "method": methods})

    def train(self, reward_model: str) -> Plugins:
        """Training a reward model, on labels by some method."""
        data = self.study.training_set(self.study.reward_model(reward_model).data)
        return plugins.find_used({"method": [data.labels]})

    def read(self, reward_model: str, *datasets: str) -> Plugins:
        """Describing a reward model, or scoring solutions of these data sets with it."""
        formats = self._formats(reward_model)
        return plugins.find_used({"source": self._sources(datasets), "format": formats})

    def search_unscored(self) -> Plugins:
        """Choosing among the samples of all tests without a reward model."""
        sources = self._sources(name for _, name in self.study.tests())
        strategies = self.plan.strategies(scored=False)
        return plugins.find_used({"source": sources, "strategy": strategies})

    def search(self, reward_model: str) -> Plugins:
        """Choosing among the samples of a reward model's tests."""
        datasets = [name for _, name in self.study.tests(reward_model)]
        strategies, formats = self.plan.strategies(scored=True), self._formats(reward_model)
        sources = self._sources(datasets)
        return plugins.find_used({"source": sources, "strategy": strategies, "format": formats})

    def search_trees(self, reward_model: str, dataset: str) -> Plugins:
        """Searching a data set step by step."""
        trees, formats = self.study.search.tree.strategies, self._formats(reward_model)
        sources = self._sources([dataset])
        return plugins.find_used({"source": sources, "tree_strategy": trees, "format": formats})

    def compare(self) -> Plugins:
        """Comparing the strategies in figures and claims."""
        search = self.study.search
        return plugins.find_used(
            {"strategy": search.strategies, "tree_strategy": search.tree.strategies}
        )

    def _sources(self, datasets: Iterable[str]) -> list[str]:
        return [self.study.dataset(name).source for name in datasets]

    def _formats(self, reward_model: str) -> list[str]:
        released = self.study.released_reward_model(reward_model)
        return [released.format] if released else []
