"""Where the files of a study are: one method for each kind of file."""

from __future__ import annotations

from prmscale.study import Study


class Paths:
    """The files of one study. An argument may also be a wildcard of a rule, such as "{dataset}"."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def result(self, path: str) -> str:
        """A path below the results of the study."""
        return f"results/{self.study.study}/{path}"

    def problems(self, dataset: str) -> str:
        """The problems of a data set, all splits."""
        return self.result(f"problems/{dataset}.parquet")

    def corpus(self, corpus: str, kind: str) -> str:
        """The problems, solutions or labels of an imported corpus."""
        return self.result(f"corpora/{corpus}/{kind}.parquet")

    # solutions and labels

    def solutions(self, policy: str, dataset: str, purpose: str) -> str:
        """The solutions that a policy writes for `labelling`, `search`, or in `omega`'s trees."""
        return self.result(f"solutions/{policy}/{dataset}.{purpose}.parquet")

    def speed(self, policy: str, dataset: str, purpose: str) -> str:
        """The time that sampling these solutions took."""
        return self.result(f"solutions/{policy}/{dataset}.{purpose}.speed.json")

    def labelled_solutions(self, policy: str, dataset: str, method: str) -> str:
        """The solutions that a method labels; `omega` labels the rollouts of its trees."""
        return self.solutions(policy, dataset, "omega" if method == "omega" else "labelling")

    def labels(self, policy: str, dataset: str, method: str) -> str:
        """The labels of a policy's solutions by a method."""
        return self.result(f"labels/{policy}/{dataset}.{method}.parquet")

    def spending(self, policy: str, dataset: str, method: str) -> str:
        """What these labels cost, and which solutions got none."""
        return self.result(f"labels/{policy}/{dataset}.{method}.spent.parquet")

    def labels_by(self, labeller: str, policy: str, dataset: str, method: str) -> str:
        """The labels of a policy's solutions by a labeller's rollouts, which readings compare; of a
        policy that labels itself, those of the method.
        """
        return self.labels(policy, dataset, self._name_by(labeller, policy, method))

    def spending_by(self, labeller: str, policy: str, dataset: str, method: str) -> str:
        """What these labels cost, and which solutions got none."""
        return self.spending(policy, dataset, self._name_by(labeller, policy, method))

    @staticmethod
    def _name_by(labeller: str, policy: str, method: str) -> str:
        """The method in a file's name, which leaves out another labeller's binary search."""
        if labeller == policy:
            return method
        return f"by.{labeller}" if method == "binary_search" else f"{method}.by.{labeller}"

    # models

    def policy_folder(self, name: str, replicate: int = 1) -> str:
        """The Hugging Face folder or hub name of a policy or base; of a ladder model, the folder of
        pre-training `replicate`.
        """
        writer, _ = self.study.find_writer(name)
        model, _, percent = writer.partition("@")
        released = self.study.released_policy(writer)
        if released is None:
            return self.result(f"policies/{model}/replicate{replicate}/{percent or 100}")
        return self.result(f"policies/{writer}/converted") if released.gguf_file else released.model

    def policy_files(self, name: str) -> list[str]:
        """The folder of a policy as an input of a rule: empty if the pipeline does not make it."""
        return self.inputs([self.policy_folder(name)])

    def inputs(self, folders: list[str]) -> list[str]:
        """The folders of these that a rule makes: ladder models and converted models. A released
        model that is used as it is must not be an input of a rule.
        """
        return [folder for folder in folders if folder.startswith(self.result("policies/"))]

    def base_folders(self, name: str) -> list[str]:
        """The folder of each pre-training of a base; a released model has one."""
        replicates = self.study.policies.pretraining.seeds if self.study.ladder_model(name) else 1
        return [self.policy_folder(name, replicate) for replicate in range(1, 1 + replicates)]

    def training_bases(self, reward_model: str) -> list[str]:
        """The base of each training of a reward model: training r starts from pre-training r,
        modulo the number of pre-trainings.
        """
        folders = self.base_folders(self.study.reward_model(reward_model).base)
        trainings = range(self.study.rewards.training.seeds)
        return [folders[number % len(folders)] for number in trainings]

    def trained_folders(self, reward_model: str) -> list[str]:
        """The folder of each training of a reward model that is trained here."""
        trainings = range(1, 1 + self.study.rewards.training.seeds)
        return [self.result(f"rewards/{reward_model}/replicate{number}") for number in trainings]

    def reward_folders(self, reward_model: str) -> list[str]:
        """The folder of each training of a reward model; a model not trained here has one."""
        folders = self.trained_folders(reward_model)
        return folders if self.study.is_trained(reward_model) else folders[:1]

    # what search leaves

    def search(self, reward_model: str) -> str:
        """The rows of the strategies that choose among samples by a reward model."""
        return self.result(f"search/{reward_model}.parquet")

    def search_speed(self, reward_model: str) -> str:
        """The time that a token of these searches took the reward model."""
        return self.result(f"search/{reward_model}.speed.json")

    def likelihood_search(self, base: str) -> str:
        """The rows of the choice by a language model's likelihood."""
        return self.result(f"search/likelihood/{base}.parquet")

    def tree_search(self, reward_model: str, policy: str, dataset: str) -> str:
        """The rows of the strategies that search a data set step by step."""
        return self.result(f"search/trees/{reward_model}/{policy}/{dataset}.parquet")

    def trees(self, reward_model: str, policy: str, dataset: str) -> str:
        """The first trees of a search step by step."""
        return self.result(f"trees/{reward_model}/{policy}/{dataset}.parquet")

    def verdicts(self, verifier: str) -> str:
        """How many verdicts and thoughts of a verifier choosing among samples were odd."""
        return self.result(f"search/{verifier}.verdicts.json")

    def first_errors(self, reward_model: str) -> str:
        """The first wrong steps that a reward model predicts, beside the true ones."""
        return self.result(f"first_errors/{reward_model}.parquet")

    def reliability(self, reward_model: str) -> str:
        """The scores of steps of which the truth or a Monte-Carlo value is known."""
        return self.result(f"reliability/{reward_model}.parquet")

    def solution_scores(self, reward_model: str) -> str:
        """The scores of all steps of the samples of every test, and of labelled solutions."""
        return self.result(f"solution_scores/{reward_model}.parquet")

    def step_scores(self, reward_model: str) -> str:
        """The scores of single steps, which figure 6 and table 2 compare."""
        return self.result(f"scores/{reward_model}.parquet")
