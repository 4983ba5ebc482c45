"""The work of search: scores of samples, first errors, searches step by step, and controls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prmscale.cost.parts import ROW, TEXT, Job, Pass, Solutions, Workers
from prmscale.plan.evaluations import list_mixtures
from prmscale.search import TREE_STRATEGIES
from prmscale.study import PrmBenchClass

# solutions in each subset of ProcessBench (arXiv 2412.06559), and about as many in each class of
# PRMBench, modified and original (arXiv 2501.03124)
PROCESS_BENCH: dict[str, int] = {
    "gsm8k": 400,
    **dict.fromkeys(("math", "olympiadbench", "omnimath"), 1000),
    **dict.fromkeys(get_args(PrmBenchClass), 1500),
    "multi_solutions": 330,
}


class Searching:
    """The jobs of a study that search or score test solutions."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.study, self.plan, self.needs = workers.study, workers.plan, workers.needs

    def jobs(self) -> Iterator[Job]:
        """Every job of search.smk."""
        for evaluation, dataset in list_mixtures(self.study):
            mixed = self.workers.test_solutions(evaluation, dataset)
            stored = mixed.count * (mixed.length * TEXT + ROW)
            name = f"{self.study.name_samples(evaluation)}.{dataset}"
            yield Job("mix_solutions", name, stored=stored)
        yield Job("search_unscored")
        for name in self.study.reward_model_names():
            yield self._search(name)
        for base in self.study.search.likelihoods:
            yield self._ranking(base)
        for search in self.plan.tree_searches():
            yield self._trees(*search)
        if self.study.models_by_role():
            for name, _ in self.study.models_by_role().values():
                yield self._step_scores(name)
            yield self._patterns()

    def _search(self, reward_model: str) -> Job:
        """Every checkpoint reads the first policy's samples, and chooses the best of n; final ones
        read all, run every strategy, and name first errors.
        """
        passes, choices = self._first_errors(reward_model), 0
        strategies = len(self.plan.strategies(scored=True))
        trainings = self.workers.trainings(reward_model)
        for evaluation, dataset in self.study.tests(reward_model):
            is_first = self.study.name_samples(evaluation) == self.plan.first_policy
            earlier = self.plan.checkpoints(reward_model) - trainings if is_first else 0
            tested = self.workers.test_solutions(evaluation, dataset)
            count = (earlier + trainings) * tested.count
            passes += self.workers.score(reward_model, count, tested)
            choices += (earlier + trainings * strategies) * self.study.dataset(dataset).test
        search = self.study.search
        rows = choices * len(search.aggregations) * len(search.budgets)
        needs = tuple(self.needs.search(reward_model))
        return Job("search", reward_model, tuple(passes), needs, stored=rows * ROW)

    def _first_errors(self, reward_model: str) -> list[Pass]:
        """Validation solutions, on which thresholds are chosen and scores calibrated, and
        ProcessBench. Samples of generated problems are read anyway.
        """
        study, cost = self.study, self.study.cost
        trainings, passes = self.workers.trainings(reward_model), []
        for dataset in self.plan.validation_datasets():
            count = dataset.validation * study.labels.solutions
            labelled = self.workers.solutions(study.labels.policy, dataset.name, count)
            passes += self.workers.score(reward_model, trainings * count, labelled)
        subsets = [each.subset for each in study.search.first_errors.process_bench]
        if subsets:
            published = sum(PROCESS_BENCH[subset] for subset in subsets)
            prompt, length = cost.prompt_tokens["math"], cost.solution_tokens["math"]
            annotated = Solutions(published, prompt, length, cost.steps["math"], 0.0)
            passes += self.workers.score(reward_model, trainings * published, annotated)
        return passes

    def _ranking(self, base: str) -> Job:
        model, copies = self.workers.model(base), len(self.plan.paths.base_folders(base))
        passes = []
        for evaluation, dataset in self.study.tests():
            tested = self.workers.test_solutions(evaluation, dataset)
            texts = copies * tested.count
            flops = texts * model.shape.forward_flops(round(tested.whole))
            passes.append(Pass("read", model, texts * tested.whole, flops))
        return Job("rank_by_likelihood", base, tuple(passes), tuple(self.needs.rank(base)))

    def _trees(self, reward_model: str, policy: str, dataset: str) -> Job:
        """Every strategy spends its budget one step at a time. A strategy that is not anytime runs
        once for each budget.
        """
        study, tree = self.study, self.study.search.tree
        solutions = self.workers.solutions(policy, dataset, study.dataset(dataset).test)
        samples = self.plan.evaluations[policy, dataset].samples
        budgets = [b for b in study.search.budgets if b <= samples]
        spent = {True: max(budgets), False: sum(budgets)}  # by whether a strategy is anytime
        worth = sum(spent[TREE_STRATEGIES[name].anytime] for name in tree.strategies)
        searches = len(tree.aggregations) * self.workers.trainings(reward_model)
        written = worth * searches * solutions.count
        steps, context = written * solutions.steps, solutions.half
        length = solutions.length / solutions.steps
        write = self.workers.write(policy, steps, tree.expansion, context, length)
        read = self.workers.score_steps(reward_model, steps, context)
        name = f"{reward_model}.{policy}.{dataset}"
        needs = tuple(self.needs.search_trees(policy, reward_model))
        programs = written * solutions.programs
        return Job("search_trees", name, (write, *read), needs, programs=programs)

    def _step_scores(self, reward_model: str) -> Job:
        """Every training scores the steps of the samples of table 1."""
        budget, policy = self.study.analysis.table1_budget, self.plan.first_policy
        trainings, passes = self.workers.trainings(reward_model), []
        for dataset in self.plan.compared_datasets():
            count = self.study.dataset(dataset).test * budget
            solutions = self.workers.solutions(policy, dataset, count)
            passes.append(self.workers.read(reward_model, trainings * count, solutions.whole))
        needs = tuple(self.needs.score(reward_model))
        return Job("score_steps", reward_model, tuple(passes), needs)

    def _patterns(self) -> Job:
        """A backward pass for each response compared, at most as many as are drawn."""
        study, passes = self.study, []
        model = self.workers.model(self.plan.reference)
        for _, datasets in study.models_by_role().values():
            tests = sum(study.dataset(name).test for name in datasets)
            problems = min(study.analysis.patterns.problems, tests)
            count = problems * study.analysis.table1_budget
            length = self.workers.solutions(self.plan.first_policy, datasets[0], count).whole
            flops = count * model.shape.training_flops(round(length))
            # gradients are dropped as they come, so that memory is nearly that of reading
            passes.append(Pass("read", model, count * length, flops))
        return Job("compare_patterns", "", tuple(passes), tuple(self.needs.differentiate()))
