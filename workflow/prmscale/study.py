"""The study's configuration: every key with its meaning, unit and default.

`configuration.load` reads one. `python -m prmscale.study FILE` writes the JSON schema for editors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from prmscale.engines import memory
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.search import STRATEGIES, TREE_STRATEGIES

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]

Figure = Literal[
    "fig1",
    "fig2",
    "fig3",
    "fig4",
    "fig5",
    "fig6",
    "fig7",
    "fig8",
    "fig9",
    "fig10",
    "controls",
    "table1",
    "table2",
]
FIGURES: tuple[Figure, ...] = get_args(Figure)

GENERATED = ("arithmetic", "programs")
VALIDATION = "validation"
RolloutMethod = Literal["monte_carlo", "adaptive", "binary_search", "consensus", "omega"]
LabelMethod = Literal[RolloutMethod, "oracle"]
Engine = Literal["transformers", "vllm"]
Domain = Literal["math", "code"]
StepRule = Literal["line", "blank_line", "marked", "statement", "block", "function"]
DOMAINS: dict[str, Domain] = {
    "arithmetic": "math",
    "programs": "code",
    "gsm8k": "math",
    "math": "math",
    "math500": "math",
    "hendrycks_math": "math",
    "humaneval": "code",
    "mbpp": "code",
    "humanevalplus": "code",
    "mbppplus": "code",
    "livecodebench": "code",
    "bigcodebench": "code",
    "taco": "code",
    "apps": "code",
    "codecontests": "code",
}


_OF_CODE = ("statement", "block", "function")


class Block(BaseModel):
    """A part of the configuration: an unknown key is an error, so is "450" for 450; a value never
    changes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class World(Block):
    """The generated world that both miniature domains share: wordings, some with a popular
    misreading.
    """

    modulus: int = Field(
        7, ge=2, le=97, description="Arithmetic answers are taken modulo this number."
    )
    definitions: tuple[int, int] = Field(
        (3, 5),
        strict=False,
        description="Fewest and most defined quantities of a problem; the difficulty is their "
        "number.",
    )
    filler_share: float = Field(
        0.45, ge=0, le=1, description="Share of definitions in a wording nobody misreads."
    )
    misreading_rates: dict[str, Share | dict[Literal["math", "code"], Share]] = Field(
        {
            "less_than": 0.60,
            "taken_from": 0.55,
            "more_than_twice": 0.60,
            "twice_the_sum": 0.40,
            "squared_plus": 0.55,
            "subtracted_from": 0.50,
            "fewer_than_double": 0.45,
        },
        description="Share of authors who fall for the misreading of each wording, alike in both "
        "domains or by domain ({math: 0.6, code: 0.3}); a wording left out, or a domain left out "
        "of a wording, does not use it.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> World:
        if not 1 <= self.definitions[0] <= self.definitions[1] <= 8:
            raise ValueError("definitions wants [fewest, most] with 1 <= fewest <= most <= 8")
        return self

    def rates(self, domain: Literal["math", "code"]) -> dict[str, float]:
        """The misreading rate of each wording that this domain uses."""
        every = {
            n: r.get(domain) if isinstance(r, dict) else r for n, r in self.misreading_rates.items()
        }
        return {name: rate for name, rate in every.items() if rate is not None}


class Dataset(Block):
    """Problems of one kind. The splits are disjoint; a choice is never made on the test split."""

    name: Name = Field(
        description="The name that the rest of the configuration and the results use."
    )
    source: Literal[
        "arithmetic",
        "programs",
        "gsm8k",
        "math",
        "math500",
        "hendrycks_math",
        "humaneval",
        "mbpp",
        "humanevalplus",
        "mbppplus",
        "livecodebench",
        "bigcodebench",
        "taco",
        "apps",
        "codecontests",
    ] = Field(description="The task: two generated ones, or a published set of problems.")
    path: str | None = Field(
        None,
        description="Local file in the published format, JSON or Parquet ({split} is replaced by "
        "the published split's name); without it the hub or package.",
    )
    steps: StepRule | None = Field(
        None,
        description="What a step of its solutions is, whoever writes them; each policy's own rule "
        "if left out.",
    )
    train: int = Field(
        0, ge=0, description="Problems whose solutions are labelled to train reward models."
    )
    validation: int = Field(0, ge=0, description="Problems that choices may be made on.")
    test: int = Field(0, ge=0, description="Problems that results are measured on.")
    leave_out: list[str] = Field(
        [],
        description="Published problems to leave out, such as mislabelled ones, by their published "
        "id (task_id, question_id, unique_id, problem_id, name or id); where a set has none, as "
        "GSM8K, by the row's number in the published file, from 0. SPLIT/ID names that of one "
        "published split alone (test/12). The others keep their order, and the next ones take "
        "their places.",
    )

    @model_validator(mode="after")
    def _has_such_steps(self) -> Dataset:
        if DOMAINS[self.source] == "math" and self.steps in _OF_CODE:
            raise ValueError(
                f"steps: {self.steps} is a rule for code; math has line, blank_line and marked"
            )
        if self.source in GENERATED and self.steps not in (None, "line"):
            raise ValueError(
                f"steps: {self.steps}: a step of a generated problem, whose truth is known, is a "
                "line"
            )
        return self

    def step_rule(self) -> StepRule | None:
        """What a step of its solutions is; None where that is each policy's choice."""
        return "line" if self.source in GENERATED else self.steps


class Corpus(Block):
    """Solutions that others have written and labelled: reward models may be trained on them as they
    are.
    """

    name: Name = Field(description="The name that rewards.data uses.")
    source: Literal["prm800k", "math_shepherd", "trl_stepwise", "solutions"] = Field(
        description="PRM800K, Math-Shepherd, or rows of TRL's stepwise format; solutions: a file "
        "in the format of GSM8K's published model solutions, each step labelled by whether its "
        "solution is right."
    )
    domain: Domain = Field("math", description="What its problems are about.")
    path: str | None = Field(
        None,
        description="Local file in the published format, JSON or Parquet; without it the hub (not "
        "of solutions).",
    )
    skip_malformed: bool = Field(
        False,
        description="Leave malformed rows out, counted and listed in card.json; otherwise one is "
        "an error.",
    )
    limit: Count | None = Field(
        None, description="At most so many rows, drawn at random; all if left out."
    )
    validation: Share = Field(
        0.1, description="Share of its problems, by the hash of their text, kept for validation."
    )


class CodeExecution(Block):
    """How model-written Python is run. The generated programs are interpreted and never need this."""

    sandbox: Literal["bubblewrap", "none, I accept that model-written code runs unprotected"] = (
        Field(
            "bubblewrap",
            description="bubblewrap, or in so many words that code may run without any protection.",
        )
    )
    seconds: float = Field(
        6.0,  # the slowest reference of MBPP takes 3 to 4 on a slow core
        gt=0,
        description="Wall time a program may take, in seconds: for each test of a contest problem "
        "(LiveCodeBench, TACO, APPS, CodeContests), as their judges count, else for all calls of "
        "its tests together.",
    )
    memory_mb: int = Field(512, ge=64, description="Address space a program may take, in MiB.")
    packages: str | None = Field(
        None,
        description="Folder of installed packages (site-packages of the Python that runs this) "
        "that programs may import, read-only; without it the standard library alone. BigCodeBench "
        "needs it.",
    )

    @property
    def allow_unsafe(self) -> bool:
        """Whether the user accepted unprotected execution."""
        return self.sandbox != "bubblewrap"


class LadderModel(Block):
    """One size of the ladder: a Llama-architecture decoder pre-trained from scratch."""

    name: Name = Field(
        description="Name of the model; NAME@PERCENT names a checkpoint along its pre-training."
    )
    width: int = Field(description="Hidden size.", ge=8)
    layers: Count = Field(description="Decoder layers.")
    heads: Count = Field(description="Attention heads; divides the width.")

    @model_validator(mode="after")
    def _divides(self) -> LadderModel:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must be an even multiple of heads {self.heads}")
        return self


class Pretraining(Block):
    """Pre-training of the ladder on solutions by authors who share the popular misreadings."""

    ladder: list[LadderModel] = Field([], description="The sizes, smallest first.")
    tokens: int = Field(2_000_000, ge=1000, description="Solution tokens each size is trained on.")
    checkpoints: list[int] = Field(
        [25, 50, 100], description="Checkpoints kept, in percent of the tokens."
    )
    math_share: Share = Field(
        0.6, description="Share of arithmetic among the documents; the rest are programs."
    )
    batch: Count = Field(32, description="Documents a step.")
    learning_rate: float = Field(
        0.005, gt=0, description="Peak rate of Muon; cosine to a tenth of it."
    )
    seeds: Count = Field(
        1, description="Independent pre-trainings of every size; policies are of the first."
    )

    @model_validator(mode="after")
    def _ends(self) -> Pretraining:
        if sorted(set(self.checkpoints)) != self.checkpoints or self.checkpoints[-1:] != [100]:
            raise ValueError("checkpoints wants increasing percentages that end with 100")
        return self


class Example(Block):
    """A solved problem that a policy is shown before the one it is to solve."""

    problem: str = Field(description="The problem, as a data set words it.")
    solution: str = Field(description="Its solution, as the policy should write one.")


_CHAT_STEPS: dict[Domain, StepRule] = {"math": "blank_line", "code": "block"}
_INSTRUCTIONS: dict[Domain, str] = {
    "math": "Solve the problem step by step, with a blank line after each step. Put the final answer in \\boxed{}.",
    "code": "Solve the task in Python. Reply with the whole solution in one Python code block.",
}


class Prompting(Block):
    """How a policy is asked, how its solutions are cut in steps, and how it is loaded."""

    style: Literal["plain", "chat"] = Field(
        "plain", description="The bare problem, or the model's chat template."
    )
    system: str | None = Field(
        None,
        description="The chat's system prompt; said before the first problem where a template has "
        "no system role.",
    )
    instructions: dict[Domain, str] = Field(
        _INSTRUCTIONS,
        description='What is said before the problem in the chat style, by domain; "" for nothing.',
    )
    examples: dict[Domain, list[Example]] = Field(
        {},
        description="Solved problems shown before it (few-shot), by domain; in the chat style as "
        "turns of the chat.",
    )
    template: dict[str, bool | int | float | str] = Field(
        {}, description="Arguments of the chat template, such as {enable_thinking: false}."
    )
    steps: dict[Domain, StepRule] = Field(
        {},
        description="What a step is, by domain: a line, what a blank line ends, what a line with "
        "`Step N` begins (marked); for code also a statement of the module, a block (compound "
        "statements of the module and its functions, and the runs of simple ones between them), or "
        "a function. If left out, in the plain style a line, in the chat style blank_line for math "
        "and block for code. A data set may say otherwise.",
    )
    thoughts: Literal["hidden", "steps"] = Field(
        "hidden",
        description="What a reasoning model writes between <think> tags: kept from steps, reward "
        "models and graders, or cut in steps like the rest. Hidden ones are lost to a search that "
        "goes on from its steps, and count against max_tokens only in the draw that thinks.",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="Number format of the weights."
    )
    revision: str | None = Field(None, description="Branch, tag or commit on the hub.")

    @model_validator(mode="after")
    def _fits(self) -> Prompting:
        if self.style == "plain" and (self.system is not None or self.template):
            raise ValueError("system and template are of the chat style: set style: chat")
        if self.steps.get("math", "line") in _OF_CODE:
            raise ValueError(
                f"steps: {self.steps['math']} is a rule for code; math has line, blank_line and "
                "marked"
            )
        return self

    def instruction(self, domain: Domain) -> str:
        """What is said before a problem of this domain."""
        return self.instructions.get(domain, _INSTRUCTIONS[domain])

    def step_rule(self, domain: Domain) -> StepRule:
        """What a step of this domain is."""
        return self.steps.get(domain, _CHAT_STEPS[domain] if self.style == "chat" else "line")


class Released(Block):
    """A causal language model that exists already."""

    name: Name = Field(
        description="The name that the rest of the configuration and the results use."
    )
    model: str = Field(
        description="Folder or hub name; with gguf_file also package:NAME, an installed Python "
        "package."
    )
    gguf_file: str | None = Field(
        None, description="A GGUF file there: dequantised once, kept with the results."
    )
    prompting: Prompting = Field(
        Prompting(style="chat"), description="How it is asked, and loaded."
    )
    gpus: Count | None = Field(
        None, description="GPUs of a job that runs it; counted from its size if left out."
    )
    config: dict[str, int | bool | str] | None = Field(
        None,
        description="What its config.json says of its size (model_type, num_hidden_layers, "
        "hidden_size, num_attention_heads, num_key_value_heads, intermediate_size, vocab_size, "
        "tie_word_embeddings): memory, GPUs and the projected cost are counted from it where the "
        "file is neither in a folder nor in the hub's cache.",
    )
    solution_tokens: float | None = Field(
        None,
        gt=0,
        description="Expected tokens of its solutions, for the projected cost; those of `cost` if "
        "left out.",
    )

    @model_validator(mode="after")
    def _has_a_size(self) -> Released:
        if self.config is not None and (
            memory.size(self.config) is None or "model_type" not in self.config
        ):
            raise ValueError(
                "config wants the keys of a config.json that tell a model's size; see its "
                "description"
            )
        return self


class Sampling(Block):
    """How a policy is sampled."""

    engine: Engine = Field(
        "transformers",
        description="What samples: transformers, or vLLM with its prefix cache and tensor "
        "parallelism over the job's GPUs, in an environment of its own (`make vllm`); vLLM tells "
        "no self-certainty, so that control is left out.",
    )
    temperature: float = Field(
        0.8, ge=0, description="Softmax temperature; 0 takes the most likely token."
    )
    top_p: float = Field(
        1.0, gt=0, le=1, description="Nucleus: probability mass the kept tokens reach."
    )
    max_tokens: Count = Field(96, description="Most new tokens of a whole solution.")
    batch: Count = Field(512, description="Samples generated together.")


class Policies(Block):
    """What writes solutions."""

    pretraining: Pretraining = Field(
        Pretraining(), description="The ladder of small models, trained here."
    )
    released: list[Released] = Field([], description="Models that exist already.")
    sampling: Sampling = Field(Sampling(), description="How every policy is sampled.")


class LabelDecision(Block):
    """When a method stops rolling out a prefix, and what its label then is."""

    threshold: float = Field(
        ge=0,
        lt=1,
        description="A step is right if the chance of success from it is above this, more likely "
        "than not; at 0 if any rollout succeeds, and the first success ends them.",
    )
    confidence: float = Field(
        0.9,
        gt=0.5,
        lt=1,
        description="Posterior probability at which the label is decided; else K are spent. At "
        "threshold 0 nothing is left to be decided by it.",
    )


class LabelDecisions(Block):
    """The rule of each method that has a choice.

    The others have none: `monte_carlo` and `omega` call a step right if any rollout succeeds (a
    training set's `threshold` may ask more of monte_carlo), `oracle` is the truth.
    """

    adaptive: LabelDecision = Field(
        LabelDecision(threshold=0.2),
        description="Of `adaptive`; by default the posterior of the chance of success, for it is "
        "by that that rollouts are saved.",
    )
    binary_search: LabelDecision = Field(
        LabelDecision(threshold=0.0),
        description="Of `binary_search`, and of each labeller of `consensus`, which is such a "
        "search; by default any success, as OmegaPRM's search has it and as arXiv 2501.07301 found "
        "best.",
    )


class OmegaTree(Block):
    """The tree of the method `omega` (OmegaPRM, arXiv 2406.06592), with the paper's constants."""

    searches: Count = Field(
        4,
        description="Wrong rollouts whose first error is searched for, a problem; fewer where "
        "there are no more.",
    )
    alpha: float = Field(
        0.5, gt=0, le=1, description="Lower: rollouts of states that mostly succeed come first."
    )
    beta: float = Field(0.9, gt=0, le=1, description="Lower: short rollouts come first.")
    length: float = Field(
        500, gt=0, description="Tokens of a rollout (L) at which beta counts once."
    )
    exploration: float = Field(
        0.125, ge=0, description="c_puct: how much states that were seldom chosen gain."
    )


class LabelComparison(Block):
    """Methods of labelling compared on the same problems, where the truth of steps is known (figure
    9).
    """

    methods: list[RolloutMethod] = Field(
        [],
        description="The methods; without any, figure 9 shows the labels that reward models are "
        "trained on.",
    )
    rollouts: Count = Field(
        8, description="K of all of them; of a fixed number also every smaller power of two."
    )
    problems: Count = Field(
        80, description="Train problems of a data set, the first ones; all if it has fewer."
    )


class Labels(Block):
    """Labelling of steps: which policy's solutions, and how."""

    policy: str = Field(
        description="The policy that writes training solutions and rollouts, unless a training set "
        "names others."
    )
    solutions: Count = Field(4, description="Solutions a training or validation problem.")
    rollouts: Count = Field(
        4,
        description="Rollouts from every step's prefix (K of Math-Shepherd); the most where a "
        "method may stop early.",
    )
    decision: LabelDecisions = Field(
        LabelDecisions(),
        description="What the methods that may stop before K call right, and when they stop.",
    )
    consensus: list[str] = Field(
        [],
        description="The policies whose rollouts must place the first error alike for a solution "
        "to be kept by the method `consensus` (two or more); each searches for it as "
        "`binary_search` does.",
    )
    omega: OmegaTree = Field(OmegaTree(), description="The tree of the method `omega`.")
    compare: LabelComparison = Field(
        LabelComparison(), description="Methods compared beside the training."
    )
    shards: Count = Field(
        8, description="Parts the work is cut in; an interrupted job loses at most one."
    )


class TrainingSet(Block):
    """What reward models are trained on: labelled solutions of some data sets and corpora."""

    name: Name = Field(description="The name reward models refer to.")
    datasets: list[str] = Field(
        [], description="Data sets whose train split is used, in equal parts."
    )
    policies: list[str] = Field(
        [],
        description="Policies that write the solutions, each labelled by its writer's rollouts; of "
        "every problem they are taken in turn. labels.policy alone if left out.",
    )
    corpora: list[str] = Field(
        [], description="Corpora used beside them, in equal parts, with the labels they have."
    )
    labels: LabelMethod = Field(
        "monte_carlo",
        description="Which labels, and what they call right. monte_carlo: a fixed number of "
        "rollouts; more than the share `threshold` of them succeed. oracle: the truth. adaptive: "
        "rollouts until labels.decision.adaptive is sure. binary_search: for the first error, each "
        "check by labels.decision.binary_search. consensus: such searches by several policies; "
        "solutions they agree on are kept. omega: a tree of rollouts, which are then the "
        "solutions; any rollout succeeds. tables/labels.csv repeats the rule of each.",
    )
    threshold: Share = Field(
        0.0,
        lt=1,
        description="Labels monte_carlo: a step is right if more than this fraction of its "
        "rollouts succeeds; any by default, as in Math-Shepherd, and as arXiv 2501.07301 found "
        "best.",
    )
    solutions: Count | None = Field(
        None, description="Solutions drawn in all; all there are if left out."
    )
    per_problem: Count | None = Field(
        None,
        description="Solutions of each problem: so many problems are drawn that theirs make up "
        "`solutions`, many if this is small. Without it solutions are drawn whatever their "
        "problem.",
    )
    wordings: list[str] | None = Field(
        None,
        min_length=1,
        description="Only problems in which no other wording than these can be misread (keys of "
        "world.misreading_rates); generated data sets alone have them.",
    )
    shuffled: bool = Field(
        False,
        description="A control: labels exchanged at random among training solutions of equally "
        "many steps.",
    )

    @model_validator(mode="after")
    def _of_something(self) -> TrainingSet:
        if not self.datasets and not self.corpora:
            raise ValueError("wants at least one of datasets and corpora")
        if len(set(self.policies)) < len(self.policies):
            raise ValueError("policies: one is named twice")
        if self.policies and not self.datasets:
            raise ValueError("policies write solutions of datasets, and none is named")
        if self.policies and self.per_problem and self.per_problem % len(self.policies):
            raise ValueError(
                f"per_problem: {self.per_problem} wants to be a multiple of its "
                f"{len(self.policies)} policies"
            )
        if self.threshold and self.labels != "monte_carlo":
            raise ValueError(
                "threshold is of labels: monte_carlo; other methods decide for themselves"
            )
        if self.threshold and not self.datasets:
            raise ValueError(
                "threshold is of labels: monte_carlo of datasets; corpora bring their own labels"
            )
        parts = (len(self.datasets) + len(self.corpora)) * (self.per_problem or 1)
        if self.solutions and self.per_problem and self.solutions % parts:
            raise ValueError(
                f"solutions: {self.solutions} wants to be a multiple of {parts}: its sources times "
                "per_problem"
            )
        return self


class Lora(Block):
    """Low-rank adaptation of all linear layers (arXiv 2106.09685); it is merged into the weights
    that are saved.
    """

    rank: Count = Field(16, description="Rank of the change of each matrix.")
    alpha: Count = Field(32, description="Scale of the change, divided by the rank.")


class RewardTraining(Block):
    """How reward models are trained: BCE at step ends, mean over steps, and a ranking loss beside
    it if wished.
    """

    head: Literal["scalar", "evidence", "implicit"] = Field(
        "scalar",
        description="What judges: a linear map of the base's hidden state, evidence added up over "
        "tokens from how they surprise the frozen base, or a policy's log-ratio to its reference "
        "(implicit PRM, arXiv 2412.01981).",
    )
    steps: int = Field(
        400, ge=0, description="Optimiser steps; 0 is a control: the base with a fresh head."
    )
    batch: Count = Field(32, description="Solutions a step.")
    learning_rate: float = Field(
        0.002, gt=0, description="Peak rate; warm-up over 5 %, cosine to a tenth."
    )
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="Muon for the matrices, or AdamW throughout."
    )
    target: Literal["hard", "soft"] = Field(
        "hard", description="Label 0/1, or the fraction of successful rollouts."
    )
    supervise: Literal["first_error", "all", "outcome"] = Field(
        "all",
        description="Steps with a loss: all, those up to and including the first that is labelled "
        "wrong (for labels without noise: a right step that no rollout finished hides all after "
        "it, the known outcome too), or only the last one with the solution's outcome as its label "
        "(as the implicit PRM is trained).",
    )
    ranking_weight: float = Field(
        0.0,
        ge=0,
        description="Weight of a ranking loss over right and wrong solutions of one problem, "
        "beside BCE.",
    )
    checkpoints: list[int] = Field([100], description="Checkpoints kept, in percent of the steps.")
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Arithmetic of the passes; weights and optimiser are kept in float32.",
    )
    accumulation: Count = Field(
        1,
        description="Parts in which a step's solutions are read one after the other, to save "
        "memory.",
    )
    activation_checkpointing: bool = Field(
        False,
        description="Compute activations again in the backward pass, to save memory for a third "
        "more time.",
    )
    lora: Lora | None = Field(
        None, description="Train LoRA adapters of the base, not all its weights."
    )
    resume_minutes: float = Field(
        10.0,
        gt=0,
        description="Minutes between the states from which a training that was killed goes on.",
    )
    seeds: Count = Field(
        1,
        description="Independent trainings of each reward model; number r starts from pre-training "
        "number r, modulo policies.pretraining.seeds.",
    )

    @model_validator(mode="after")
    def _ends(self) -> RewardTraining:
        if sorted(set(self.checkpoints)) != self.checkpoints or self.checkpoints[-1:] != [100]:
            raise ValueError("checkpoints wants increasing percentages that end with 100")
        if self.accumulation > 1 and self.ranking_weight:
            raise ValueError(
                "a ranking loss compares solutions of one problem: accumulation wants "
                "ranking_weight 0"
            )
        if self.lora and self.head != "scalar":
            raise ValueError("lora adapts the base under a scalar head")
        return self


class RewardModel(Block):
    """One process reward model."""

    name: Name = Field(description="The name of its folder and of its rows in the results.")
    base: str = Field(
        description="Ladder model (NAME or NAME@PERCENT) or released model it starts from."
    )
    data: str = Field(description="The training set.")
    role: Literal["", "math", "code"] = Field(
        "", description="Its column of table 1: PRM-Math or PRM-Code."
    )
    training: RewardTraining | None = Field(
        None, description="Keys set here replace those of rewards.training."
    )
    gpus: Count | None = Field(
        None,
        description="GPUs of a job that trains it or scores with it; counted from the base's size "
        "if left out.",
    )

    @model_validator(mode="after")
    def _one_number_of_seeds(self) -> RewardModel:
        if self.training and "seeds" in self.training.model_fields_set:
            raise ValueError(
                "seeds belongs in rewards.training: every reward model is trained equally often"
            )
        return self

    @field_serializer("training")
    def _own_keys(self, training: RewardTraining | None) -> dict[str, Any] | None:
        """Only the keys that are set here: the stored configuration can be read again."""
        return training.model_dump(include=training.model_fields_set) if training else None


class ReleasedRewardModel(Block):
    """A process reward model that exists already: it takes part in search and figures without being
    trained.
    """

    name: Name = Field(description="The name of its rows in the results.")
    model: str = Field(description="Folder or hub name. Code that lies in it is never run.")
    format: Literal["math_shepherd", "rlhflow", "skywork", "qwen", "trl"] = Field(
        description="How it reads a solution and says its scores: as math-shepherd-mistral-7b-prm, "
        "RLHFlow's Llama PRMs, Skywork-o1-Open-PRM, Qwen2.5-Math-PRM, or models of TRL's "
        "PRMTrainer."
    )
    separator: str | None = Field(
        None, description="Format trl: what closes a step; a line end if left out."
    )
    role: Literal["", "math", "code"] = Field(
        "", description="Its column of table 1: PRM-Math or PRM-Code."
    )
    revision: str | None = Field(None, description="Branch, tag or commit on the hub.")
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="Number format of the weights."
    )
    gpus: Count | None = Field(
        None, description="GPUs of a job that scores with it; counted from its size if left out."
    )


class Rewards(Block):
    """Reward models and what they are trained on."""

    training: RewardTraining = Field(RewardTraining(), description="How they are trained.")
    data: list[TrainingSet] = Field([], description="The training sets.")
    models: list[RewardModel] = Field([], description="The reward models.")
    released: list[ReleasedRewardModel] = Field([], description="Reward models that exist already.")


class Evaluation(Block):
    """One policy under test."""

    policy: str = Field(description="The policy that searches.")
    datasets: list[str] = Field(description="Data sets whose test split it solves.", min_length=1)
    samples: Count = Field(64, description="Solutions sampled a test problem: the largest budget.")


class Mcts(Block):
    """Monte-Carlo tree search; the paper gives the rule of selection (UCT) and leaves these open
    (assumed).
    """

    exploration: float = Field(
        0.3,
        ge=0,
        description="c of UCT, in units of the reward model's score; chosen on validation "
        "problems.",
    )
    value: Literal["prm", "rollout", "both"] = Field(
        "prm",
        description="What a leaf is worth: its own score, that of a rollout to the end, or the "
        "mean of both.",
    )
    backup: Literal["mean", "max"] = Field(
        "mean", description="A node's value: mean or maximum of what is backed up."
    )
    final: Literal["best", "visits", "value"] = Field(
        "best",
        description="The answer: the best whole solution met, or that below most visits or the "
        "highest value.",
    )
    simulations: Count | None = Field(
        None, description="Most simulations; as many as the budget pays for if left out."
    )


class Puct(Block):
    """PUCT: the exploration rate log((1 + N + base) / base) + init, and the policy's prior."""

    base: float = Field(19652, gt=0, description="c_base of AlphaZero.")
    init: float = Field(1.25, ge=0, description="c_init of AlphaZero.")
    prior: Literal["mean", "sum"] = Field(
        "mean",
        description="What a step's probability among its siblings is taken from: the mean "
        "log-probability of its tokens, as in openr, or their sum, which is that of the whole "
        "step.",
    )

    @property
    def averaged(self) -> bool:
        """Whether log-probabilities are averaged over a step's tokens."""
        return self.prior == "mean"


class TreeSearch(Block):
    """Search step by step, guided by a reward model: beam, look-ahead, DVTS, MCTS and PUCT."""

    reward_models: list[str] = Field(
        [],
        description="Reward models that guide a search of the first evaluation; one job each and "
        "data set.",
    )
    strategies: list[str] = Field(
        list(TREE_STRATEGIES), description="The tree strategies compared."
    )
    aggregations: list[str] = Field(
        ["product"],
        description="How the scores of the steps so far become a partial solution's score.",
    )
    expansion: Count = Field(4, description="Candidates for the next step of a partial solution.")
    lookahead: Count = Field(1, description="Steps that look-ahead search looks ahead.")
    mcts: Mcts = Field(
        Mcts(), description="Monte-Carlo tree search; PUCT shares all but the exploration."
    )
    puct: Puct = Field(Puct(), description="The exploration of PUCT.")
    unit: Literal["tokens", "flops"] = Field(
        "tokens",
        description="What a budget of n samples' worth counts: generated tokens, or FLOPs of "
        "policy and reward model; n times what a sample of the problem takes on average. Figures "
        "and claims compare at tokens spent either way.",
    )
    trees: int = Field(
        3, ge=0, description="Problems a data set whose search trees are kept for inspection."
    )
    shards: Count = Field(
        2, description="Parts a job's problems are cut in; an interrupted job loses at most one."
    )


class ProcessBench(Block):
    """A subset of ProcessBench: solutions in which people have found the first wrong step."""

    subset: Literal["gsm8k", "math", "olympiadbench", "omnimath"] = Field(
        description="Its published name."
    )
    path: str | None = Field(
        None,
        description="Local file in the published format ({split} is replaced by the subset); "
        "without it the hub.",
    )


class FirstErrors(Block):
    """Where every reward model is to name the first wrong step, as ProcessBench asks (figure 10)."""

    samples: Count = Field(
        8, description="Samples of a generated test problem that are looked at, the first ones."
    )
    process_bench: list[ProcessBench] = Field(
        [],
        description="Subsets of ProcessBench. Thresholds are chosen on the labelled validation "
        "solutions of generated data sets; in a study without, on the first subset, as its authors "
        "do.",
    )


class Search(Block):
    """Test-time search."""

    evaluations: list[Evaluation] = Field(
        [], description="Policies under test; the first is the figures' policy."
    )
    budgets: list[Count] = Field(
        [1, 2, 4, 8, 16, 32, 64], description="Budgets, in samples' worth."
    )
    strategies: list[str] = Field(
        list(STRATEGIES), description="The strategies over whole samples compared."
    )
    tree: TreeSearch = Field(TreeSearch(), description="Search step by step.")
    engine: Engine = Field(
        "transformers",
        description="What scores with the trained reward models that have a scalar head: "
        "transformers, or vLLM with tensor parallelism over the job's GPUs (`make vllm`). "
        "Transformers reads the others.",
    )
    aggregations: list[str] = Field(
        list(AGGREGATIONS), description="How step scores become a solution's score."
    )
    likelihoods: list[str] = Field(
        [],
        description="Bases whose own likelihood ranks the samples: a control, beside the policy's "
        "own likelihood.",
    )
    first_errors: FirstErrors = Field(
        FirstErrors(), description="First wrong steps to be named, beside the search."
    )


class Patterns(Block):
    """Comparison of activation patterns: math responses that PRM-Math selects with code ones that
    PRM-Code selects.
    """

    reference: str | None = Field(
        None,
        description="The language model of whose weights the patterns tell; the figures' policy if "
        "left out.",
    )
    problems: Count = Field(
        100, description="Test problems of each domain, drawn at random, all if there are fewer."
    )
    sketch: Count = Field(
        65537,
        description="Numbers that are kept of a pattern, a prime; a model with no more weights has "
        "exact ones.",
    )


class Analysis(Block):
    """Intervals and choices of the figures."""

    figures: list[Figure] = Field(
        list(FIGURES), description="What is drawn when nothing else is asked for."
    )
    aggregation: str = Field(
        VALIDATION,
        description="Aggregation of step scores that figures and claims use; validation: the one "
        "by which the trained reward models choose best on validation problems.",
    )
    level: float = Field(0.95, gt=0, lt=1, description="Coverage of the intervals.")
    draws: Count = Field(2000, description="Permutations of the test of table 2.")
    table1_budget: Count = Field(
        8, description="N of table 1, of figure 6 and of the selections of table 2."
    )
    patterns: Patterns = Field(Patterns(), description="Similarity of selected responses: table 2.")
    ngram: Count = Field(13, description="Words of an n-gram that counts as contamination.")


class Headlines(Block):
    """The one contrast of each claim that its verdict rests on, on every data set; all others are
    also measured.
    """

    flops_tradeoff: Literal["interaction", "best_split", "both_count"] = Field(
        "interaction",
        description="Whether the two trainings reinforce each other, split well, or both count.",
    )
    diminishing_returns: Literal["growth", "slowing"] = Field(
        "slowing", description="That accuracy grows with size, or that it grows and slows down."
    )
    data_diversity: Literal[
        "wordings", "problems", "policies", "domains", "oracle", "consensus", "filter"
    ] = Field(
        "wordings",
        description="Diversity of what, or which more careful labels (filter: of the consensus "
        "alone).",
    )
    search_budget: Literal["order", "plentiful", "scarce"] = Field(
        "order",
        description="That MCTS beats best-of-n at plentiful compute, that best-of-n beats MCTS at "
        "scarce, or both.",
    )
    math_to_code: Literal["as_good", "selects"] = Field(
        "as_good",
        description="That PRM-Math selects as well as PRM-Code, or that it selects at all.",
    )
    pattern_similarity: Literal["random", "as_long"] = Field(
        "random", description="Selected responses against random ones, or against others as long."
    )


class Claims(Block):
    """Rules of the verdicts, fixed before the run."""

    equivalence_margin: Share = Field(
        0.05,
        description="Two accuracies within this margin (90 % interval inside it) count as equal.",
    )
    minimum_effect: Share = Field(
        0.0, description="An effect's interval must lie above this for 'supported'."
    )
    scarce_budget: int = Field(
        2,
        ge=2,
        description="Samples' worth of tokens at which the claim search_budget takes compute to be "
        "scarce: there best-of-n should beat MCTS. At 1 there is nothing to choose from.",
    )
    headlines: Headlines = Field(Headlines(), description="What each claim's verdict rests on.")


class Cluster(Block):
    """What jobs on a cluster may count on; with `device: cpu` no job asks for a GPU."""

    gpu_memory_gb: float = Field(
        80,
        gt=0,
        description="Memory of one GPU, in GB: a model that needs more is given more GPUs.",
    )


class Cost(Block):
    """What solutions are expected to be like, for the projected cost alone; the defaults are the
    miniature's.
    """

    prompt_tokens: dict[Domain, float] = Field(
        {"math": 38, "code": 37}, description="Tokens of a prompt, by domain."
    )
    solution_tokens: dict[Domain, float] = Field(
        {"math": 65, "code": 35}, description="Tokens of a solution, by domain."
    )
    steps: dict[Domain, float] = Field(
        {"math": 5, "code": 6}, description="Steps of a solution, by domain."
    )
    distinct_prefixes: float = Field(
        0.3,
        gt=0,
        le=1,
        description="Share of the steps' prefixes that no other solution of the problem has.",
    )


class Study(Block):
    """A whole study."""

    study: Name = Field("laptop", description="Results stand under results/<study>/.")
    seed: int = Field(0, description="Fixes every random draw.")
    device: Literal["cpu", "cuda"] = Field(
        "cpu", description="What runs the models; cuda asks the cluster for GPUs."
    )
    threads: Count = Field(
        1,
        description="CPU threads of a job that runs a model. Results are the same on any number of "
        "cores.",
    )
    world: World = Field(World(), description="The generated world.")
    datasets: list[Dataset] = Field(description="Problems.", min_length=1)
    corpora: list[Corpus] = Field(
        [], description="Solutions that others have written and labelled."
    )
    code_execution: CodeExecution = Field(
        CodeExecution(), description="How model-written code is run."
    )
    policies: Policies = Field(Policies(), description="What writes solutions.")
    labels: Labels = Field(description="How steps are labelled.")
    rewards: Rewards = Field(Rewards(), description="Reward models.")
    search: Search = Field(Search(), description="Test-time search.")
    analysis: Analysis = Field(Analysis(), description="Intervals and choices of the figures.")
    claims: Claims = Field(Claims(), description="Rules of the verdicts.")
    cluster: Cluster = Field(Cluster(), description="What jobs on a cluster may count on.")
    cost: Cost = Field(Cost(), description="What the projected cost expects of solutions.")

    def dataset(self, name: str) -> Dataset:
        """The data set of this name."""
        return next(d for d in self.datasets if d.name == name)

    def tests(self) -> list[tuple[Evaluation, str]]:
        """Every evaluation on each of its data sets."""
        return [(e, name) for e in self.search.evaluations for name in e.datasets]

    def compared(self) -> dict[Domain, tuple[str, list[str]]]:
        """By domain, the reward model whose role it is and the data sets that the figures' policy
        is tested on; empty where one is missing. Figure 6 and table 2 compare them.
        """
        models: list[RewardModel | ReleasedRewardModel] = [
            *self.rewards.models,
            *self.rewards.released,
        ]
        tests = [name for e, name in self.tests() if e.policy == self.search.evaluations[0].policy]
        found: dict[Domain, tuple[str, list[str]]] = {}
        for domain in get_args(Domain):
            own = [m.name for m in models if m.role == domain]
            datasets = [name for name in tests if DOMAINS[self.dataset(name).source] == domain]
            if own and datasets:
                found[domain] = own[0], datasets
        return found if len(found) == len(get_args(Domain)) else {}

    def corpus(self, name: str) -> Corpus:
        """The corpus of this name."""
        return next(c for c in self.corpora if c.name == name)

    def ladder_model(self, name: str) -> LadderModel | None:
        """The ladder model that NAME or NAME@PERCENT refers to, if it is one."""
        return next(
            (m for m in self.policies.pretraining.ladder if m.name == name.split("@")[0]), None
        )

    def released(self, name: str) -> Released | None:
        """The released model of this name, if it is one."""
        return next((m for m in self.policies.released if m.name == name), None)

    def reward_model(self, name: str) -> RewardModel:
        """The reward model of this name."""
        return next(m for m in self.rewards.models if m.name == name)

    def reward_model_names(self) -> list[str]:
        """The names of all reward models: those trained here, then those released."""
        return [m.name for m in self.rewards.models] + [m.name for m in self.rewards.released]

    def released_reward_model(self, name: str) -> ReleasedRewardModel | None:
        """The released reward model of this name, if it is one."""
        return next((m for m in self.rewards.released if m.name == name), None)

    def training_set(self, name: str) -> TrainingSet:
        """The training set of this name."""
        return next(d for d in self.rewards.data if d.name == name)

    def writers(self, data: TrainingSet) -> list[str]:
        """The policies that write a training set's solutions."""
        return data.policies or [self.labels.policy]

    def labelled(self) -> list[tuple[str, str, LabelMethod]]:
        """Policy, data set and method of every table of labels that a reward model learns from,
        each once.
        """
        used = {model.data for model in self.rewards.models}
        return [
            *dict.fromkeys(
                (policy, dataset, data.labels)
                for data in self.rewards.data
                if data.name in used
                for policy in self.writers(data)
                for dataset in data.datasets
            )
        ]

    def labels_compared_on(self) -> list[str]:
        """The labelled data sets on which methods are compared, if any: of generated problems the
        truth is known.
        """
        datasets = (
            dict.fromkeys(dataset for _, dataset, _ in self.labelled())
            if self.labels.compare.methods
            else {}
        )
        return [name for name in datasets if self.dataset(name).source in GENERATED]

    def reward_training(self, name: str) -> RewardTraining:
        """How the reward model of this name is trained: rewards.training with the model's own keys
        laid on top.
        """
        own = self.reward_model(name).training
        changes = own.model_dump(include=own.model_fields_set) if own else {}
        return RewardTraining.model_validate({**self.rewards.training.model_dump(), **changes})


def schema() -> str:
    """The JSON schema of the configuration, as the text of its file."""
    return json.dumps({"title": "prmscale study", **Study.model_json_schema()}, indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema())
