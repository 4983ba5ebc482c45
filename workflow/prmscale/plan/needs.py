"""The memory and GPUs that jobs need, from the sizes of the models that they run."""

from __future__ import annotations

from collections.abc import Sequence

from prmscale.engines import memory
from prmscale.engines.memory import Need
from prmscale.plan.plan import Plan
from prmscale.study import Dtype, ReleasedModel


class Needs:
    """What each kind of job of a study needs: one `Need` for each model that it runs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.study = plan.study
        self._sizes: dict[str, memory.Size | None] = {}  # each config.json is read once

    def pretrain(self) -> list[Need]:
        """Pre-training: the models of the ladder are tiny."""
        return [Need()]

    def sample(self, policy: str) -> list[Need]:
        """Sampling from a policy."""
        return [self._policy(policy)]

    def label(self, policy: str, *methods: str) -> list[Need]:
        """Labelling a policy's solutions by these methods: all labellers are in memory at once."""
        return [self._policy(name) for name in self.plan.labellers(policy, *methods)]

    def train(self, reward_model: str) -> list[Need]:
        """Training a reward model; its trainings run one after the other."""
        model = self.study.reward_model(reward_model)
        training = self.study.reward_training(reward_model)
        adapters = training.lora is not None
        size = self._size(model.base)
        return [memory.training(size, training.optimizer, model.gpus, adapters)]

    def search(self, reward_model: str) -> list[Need]:
        """Choosing among samples. Checkpoints score one after the other, but vLLM keeps each in
        memory until its process ends.
        """
        kept = self._scores_by_vllm(reward_model)
        copies = self.plan.checkpoints(reward_model) if kept else 1
        return [self._reward_model(reward_model, copies)]

    def search_trees(self, policy: str, reward_model: str) -> list[Need]:
        """Searching step by step: the policy, and every training of the reward model."""
        trainings = len(self.plan.paths.reward_folders(reward_model))
        return [self._policy(policy), self._reward_model(reward_model, trainings)]

    def score(self, reward_model: str) -> list[Need]:
        """Scoring with the trainings of a reward model one after the other."""
        return [self._reward_model(reward_model)]

    def rank(self, base: str) -> list[Need]:
        """Reading with the pre-trainings of a base one after the other."""
        released = self.study.released_policy(base)
        return [memory.reading(self._size(base), gpus=released.gpus if released else None)]

    def differentiate(self) -> list[Need]:
        """Taking the gradients of the reference model."""
        return [memory.differentiating(self._size(self.plan.reference))]

    def gpus(self, needs: Sequence[Need]) -> int:
        """GPUs that a job asks for; 0 if it runs no model, or if models run on CPUs."""
        if not needs or self.study.device != "cuda":
            return 0
        cluster = self.study.cluster
        return memory.gpus(needs, cluster.gpu_memory_gb, cluster.gpus_per_node)

    def nodes(self, needs: Sequence[Need]) -> int:
        """Nodes that a job asks for which can run on several."""
        return memory.nodes(self.gpus(needs), self.study.cluster.gpus_per_node)

    def megabytes(self, mb: int, needs: Sequence[Need]) -> int:
        """Main memory that a job asks for: `mb` and room for its models, whose weights pass through
        main memory on the way to a GPU, and with their optimiser's state on the way back.
        """
        on_gpu = self.study.device == "cuda"
        gb = [need.weights + need.saved if on_gpu else need.total for need in needs]
        return mb + int(1000 * sum(gb))

    def _size(self, name: str) -> memory.Size | None:
        """The size of a base without a reward model's head; None in the ladder, or if unknown."""
        released = self.study.released_policy(name)
        if released is None:
            return None
        if name not in self._sizes:
            folder, revision = self.plan.paths.policy_folder(name), self.plan.revision(name)
            known = memory.read_size(folder, revision) or memory.size(released.config or {})
            self._sizes[name] = known
        return self._sizes[name]

    def _policy(self, name: str, max_tokens: int | None = None) -> Need:
        """A policy that writes at most `max_tokens` tokens, by default those of a solution."""
        released, sampling = self.study.released_policy(name), self.study.sampling
        if released is None:
            return Need()
        dtype, size = self._widest(released), self._size(name)
        tokens = max_tokens or sampling.max_tokens
        return memory.generating(size, dtype, sampling.batch, tokens, released.gpus)

    def _reward_model(self, name: str, copies: int = 1) -> Need:
        """`copies` of a reward model in memory at once; one not trained here has a single copy."""
        verifier = self.study.verifier(name)
        if verifier:
            return self._policy(verifier.base, verifier.max_tokens)
        cache = memory.READ_TOGETHER if self.study.search.engine == "vllm" else 0
        released = self.study.released_reward_model(name)
        if released:
            size = memory.read_size(released.model, released.revision)
            copies = 2 if released.reference else 1  # the reference is as large as the model
            return memory.reading(size, copies, released.gpus, self._widest(released), cache)
        model = self.study.reward_model(name)
        return memory.reading(self._size(model.base), copies, model.gpus, tokens=cache)

    def _scores_by_vllm(self, reward_model: str) -> bool:
        trained = self.study.is_trained(reward_model)
        return trained and self.study.search.engine == "vllm"

    def _widest(self, released: ReleasedModel) -> Dtype:
        """The number format of a released model's weights; of those that `auto` may become on the
        device, the one that takes most memory.
        """
        if released.dtype != "auto":
            return released.dtype
        return "bfloat16" if self.study.device == "cuda" else "float32"
