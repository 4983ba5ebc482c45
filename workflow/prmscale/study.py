"""The study's configuration: every key with its type, meaning, unit and default.

`configuration.load` reads and checks a configuration. `python -m prmscale.study FILE` writes the
JSON schema that editors use. This module imports nothing of the package: names of strategies,
label methods and formats are declared here, and the modules that implement them register under
these names; plugins register further ones (`prmscale.plugins`).
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

PLUGIN_NAME = r"^[a-z][a-z0-9_]*$"  # of a part that a plugin registers
NAME, LICENCE = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", r"^[a-z0-9][a-z0-9.-]*$"
Name = Annotated[str, Field(pattern=NAME)]
Licence = Annotated[str, Field(pattern=LICENCE)]
EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]

Domain = Literal["math", "code", "knowledge"]
PairedDomain = Literal["math", "code"]  # of the generated world, and of PRM-Math and PRM-Code
Role = Literal["", "math", "code"]
Engine = Literal["transformers", "vllm"]
Dtype = Literal["float32", "bfloat16", "float16"]
DtypeChoice = Literal["auto", "float32", "bfloat16", "float16"]
StepRule = Literal[
    "line",
    "blank_line",
    "marked",
    "statement",
    "block",
    "function",
    "words_20",
    "words_50",
    "words_100",
]
GeneratedSource = Literal["arithmetic", "programs"]
MathSource = Literal[
    "arithmetic",
    "gsm8k",
    "gsm8k_platinum",
    "math",
    "math500",
    "hendrycks_math",
    "aime24",
    "aime25",
    "amc",
    "minerva_math",
    "olympiadbench",
]
KnowledgeSource = Literal["gpqa", "mmlu_pro"]
CodeSource = Literal[
    "programs",
    "humaneval",
    "mbpp",
    "humanevalplus",
    "mbppplus",
    "livecodebench",
    "bigcodebench",
    "taco",
    "apps",
    "codecontests",
]
Source = Literal[MathSource, KnowledgeSource, CodeSource]
ProcessBenchSubset = Literal["gsm8k", "math", "olympiadbench", "omnimath"]
PrmBenchClass = Literal[
    "redundency",
    "circular",
    "counterfactual",
    "step_contradiction",
    "domain_inconsistency",
    "confidence",
    "missing_condition",
    "deception",
    "multi_solutions",
]
CorpusSource = Literal["prm800k", "math_shepherd", "trl_stepwise", "solutions"]
PrmFormat = Literal[
    "math_shepherd",
    "rlhflow",
    "skywork",
    "qwen",
    "reasonflux",
    "versaprm",
    "llemma",
    "implicit",
    "trl",
]
VerifierFormat = Literal["judge", "thinkprm", "genprm"]
LabellerMethod = Literal["monte_carlo", "adaptive", "binary_search", "omega"]  # rolls out
Reading = Literal["consensus", "progress", "advantage", "denoised"]  # of what labellers have stored
RolloutMethod = Literal[LabellerMethod, Reading]
LabelMethod = Literal[RolloutMethod, "oracle"]
Aggregation = Literal["last", "min", "product", "mean", "sum"]
Strategy = Literal[
    "one_sample",
    "random",
    "majority",
    "likelihood",
    "self_certainty",
    "self_certainty_vote",
    "visible_tests",
    "best_of_n",
    "weighted_best_of_n",
    "adaptive_best_of_n",
    "calibrated_majority",
    "filtered_best_of_n",
    "oracle",
]
Calibrated = Literal["none", "platt", "isotonic"]
TreeStrategy = Literal["beam", "lookahead", "dvts", "particle_filtering", "mcts", "puct"]
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
    "fig11",
    "controls",
    "temperature",
    "transfer",
    "granularity",
    "table1",
    "table2",
]

FIGURES: tuple[Figure, ...] = get_args(Figure)
GENERATED: tuple[GeneratedSource, ...] = get_args(GeneratedSource)
VALIDATION: Literal["validation"] = "validation"
READS: dict[str, LabellerMethod] = {  # the labels that a reading reads; it draws no rollout
    "consensus": "binary_search",
    "progress": "monte_carlo",
    "advantage": "monte_carlo",
    "denoised": "monte_carlo",
}
DOMAINS: dict[str, Domain] = {
    **dict.fromkeys(get_args(MathSource), "math"),
    **dict.fromkeys(get_args(KnowledgeSource), "knowledge"),
    **dict.fromkeys(get_args(CodeSource), "code"),
}
WITH_SUBJECTS: tuple[Source, ...] = (
    "math500",
    "hendrycks_math",
    "olympiadbench",
    "gpqa",
    "mmlu_pro",
)
_CODE_STEP_RULES: tuple[StepRule, ...] = ("statement", "block", "function")

Kind = Literal["source", "format", "method", "strategy", "tree_strategy"]
_DECLARED: dict[Kind, tuple[str, ...]] = {
    "source": get_args(Source),
    "format": get_args(PrmFormat),
    "method": get_args(LabelMethod),
    "strategy": get_args(Strategy),
    "tree_strategy": get_args(TreeStrategy),
}
# further names of each kind, and the plugin that registered each (`prmscale.plugins`)
REGISTERED: dict[Kind, dict[str, str]] = {kind: {} for kind in _DECLARED}


def list_names(kind: Kind) -> list[str]:
    """Every name of a kind: those declared here, then those that plugins have registered."""
    return [*_DECLARED[kind], *REGISTERED[kind]]


@dataclass(frozen=True)
class OrPlugin:
    """Marks a Literal of names of this kind: names that plugins have registered are valid too.

    The JSON schema does not know them: it completes the names of the Literal and accepts others.
    """

    kind: Kind

    def __get_pydantic_core_schema__(self, literal: Any, handler: Any) -> CoreSchema:
        """A validator that knows at each call which names are registered."""

        def check(value: Any, inner: Any) -> Any:
            known = [*get_args(literal), *REGISTERED[self.kind]]
            if value in known:
                return value
            *others, last = map(repr, known)
            expected = f"{', '.join(others)} or {last}"
            raise PydanticKnownError("literal_error", {"expected": expected})

        return core_schema.no_info_wrap_validator_function(
            check, handler(literal), serialization=core_schema.simple_ser_schema("str")
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """The names of the Literal, or another."""
        return {"anyOf": [handler(schema), {"type": "string", "pattern": PLUGIN_NAME}]}


class Block(BaseModel):
    """A part of the configuration; frozen. Unknown keys and quoted numbers ("450") are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _read_numbers(cls, values: Any) -> Any:
        """Numbers such as 1e-5, which YAML 1.1 reads as texts."""
        if not isinstance(values, dict):
            return values
        fields = cls.model_fields
        return {
            key: _read_number(value, fields[key].annotation) if key in fields else value
            for key, value in values.items()
        }


def _read_number(value: Any, annotation: Any) -> Any:
    """A text in the form of 1e-5 as the number that it stands for, where a number must be; in an
    integer's place if it is whole. Values of mappings and items of lists are read likewise.
    """
    inner = get_args(annotation)
    if isinstance(value, list) and inner:
        return [_read_number(item, inner[0]) for item in value]
    if isinstance(value, dict) and len(inner) == 2:
        return {key: _read_number(item, inner[1]) for key, item in value.items()}
    if not isinstance(value, str) or not EXPONENT.fullmatch(value):
        return value
    kinds = (annotation, *inner)
    number = float(value)
    if float in kinds:
        return number
    return int(number) if int in kinds and number.is_integer() else value


class World(Block):
    """The generated world of both miniature domains. Some wordings have a popular misreading."""

    modulus: int = Field(
        7, ge=2, le=97, description="Answers of arithmetic problems are taken modulo this number."
    )
    definitions: tuple[int, int] = Field(
        (3, 5),
        strict=False,
        description="Fewest and most quantities that a problem defines. The difficulty of a "
        "problem is the number of its definitions.",
    )
    constants: Count = Field(
        3,
        description="Largest constant of a definition; must be below the modulus. With constants "
        "up to the modulus less one, the first number of a sum says nothing about its result, and "
        "small models learn sums late or never.",
    )
    filler_share: float = Field(
        0.45,
        ge=0,
        le=1,
        description="Share of the definitions whose wording cannot be misread.",
    )
    misreading_rates: dict[str, Share | dict[PairedDomain, Share]] = Field(
        {
            "less_than": 0.60,
            "taken_from": 0.55,
            "more_than_thrice": 0.60,
            "twice_the_sum": 0.40,
            "squared_plus": 0.55,
            "fewer_than_double": 0.45,
            "thrice_the_difference": 0.50,
        },
        description="For each wording the share of authors who misread it, in both domains or by "
        "domain ({math: 0.6, code: 0.3}). Problems use only the wordings listed here; a wording "
        "with rates by domain is used only in the domains that it lists.",
    )

    @model_validator(mode="after")
    def _check_order(self) -> World:
        if not 1 <= self.definitions[0] <= self.definitions[1] <= 8:
            raise ValueError("definitions must be [fewest, most] with 1 <= fewest <= most <= 8")
        if self.constants >= self.modulus:
            raise ValueError(f"constants: {self.constants} must be below modulus: {self.modulus}")
        return self

    def rates(self, domain: PairedDomain) -> dict[str, float]:
        """The misreading rate of each wording that this domain uses."""
        found = {}
        for name, rate in self.misreading_rates.items():
            of_domain = rate.get(domain) if isinstance(rate, dict) else rate
            if of_domain is not None:
                found[name] = of_domain
        return found


class Dataset(Block):
    """Problems from one source. The splits are disjoint. No choice is made on the test split."""

    name: Name = Field(description="Name of the data set in the configuration and the results.")
    source: Annotated[Source, OrPlugin("source")] = Field(
        description="The task: `arithmetic` and `programs` are generated, all others are "
        "published benchmarks."
    )
    path: str | None = Field(
        None,
        description="Local file in the published format, JSON, CSV or Parquet; `{split}` stands "
        "for the name of the published split. By default the problems are loaded from the hub or "
        "from the benchmark's package.",
    )
    licence: Licence | None = Field(
        None,
        description="Licence of the problems, as the Hugging Face hub names it (mit, apache-2.0), "
        "for the cards of data and models. By default that of the published set; with `path` it is "
        "unknown, and the cards say `other`.",
    )
    steps: StepRule | None = Field(
        None,
        description="How solutions of this data set are split into steps, whichever policy wrote "
        "them. By default the policy's `prompting.steps` decides, and generated problems have a "
        "step a line.",
    )
    solutions_of: str | None = Field(
        None,
        description="Another data set with the same keys, whose problems and solutions this one "
        "has, split into its own `steps`: figure `granularity` compares them. Rollouts and "
        "searches are its own, because they start from other prefixes.",
    )
    train: int = Field(
        0, ge=0, description="Number of problems whose labelled solutions train reward models."
    )
    validation: int = Field(
        0, ge=0, description="Number of problems on which choices are made, such as thresholds."
    )
    test: int = Field(0, ge=0, description="Number of problems on which results are measured.")
    leave_out: list[str] = Field(
        [],
        description="Published problems to leave out, for example mislabelled ones, by their "
        "published id (task_id, question_id, unique_id, problem_id, name or id). If the benchmark "
        "has no ids (GSM8K), by row number in the published file, from 0. SPLIT/ID (test/12) names "
        "a problem of one published split. The other problems keep their order, and the next "
        "problems fill the gaps.",
    )
    subjects: list[str] = Field(
        [],
        description="Subjects to keep, as the published rows name them; all by default. MATH-500 "
        "(`subject`), hendrycks_math (`type`), OlympiadBench (`subfield`), GPQA (`High-level "
        "domain`) and MMLU-Pro (`category`) have subjects. A data set a subject gives results by "
        "subject.",
    )

    @model_validator(mode="after")
    def _check_published(self) -> Dataset:
        for key in ("path", "leave_out"):
            if self.source in GENERATED and getattr(self, key):
                raise ValueError(f"{key}: {self.source} is generated, and not read from a file")
        return self

    @model_validator(mode="after")
    def _check_subjects(self) -> Dataset:
        if self.subjects and self.source not in WITH_SUBJECTS:
            raise ValueError(
                f"subjects: the rows of {self.source} have no subjects; those of "
                f"{', '.join(WITH_SUBJECTS)} do"
            )
        return self

    @model_validator(mode="after")
    def _check_steps(self) -> Dataset:
        domain = DOMAINS[self.source]
        if domain != "code" and self.steps in _CODE_STEP_RULES:
            raise ValueError(
                f"steps: {self.steps} is a rule for code; {domain} has line, blank_line, marked "
                "and words_N"
            )
        return self

    def step_rule(self) -> StepRule | None:
        """How its solutions are split into steps; None if each policy decides."""
        return self.steps or ("line" if self.source in GENERATED else None)


class Corpus(Block):
    """Published solutions with published labels. Reward models can be trained on them directly."""

    name: Name = Field(description="Name of the corpus in rewards.data and the results.")
    source: CorpusSource = Field(
        description="Format: PRM800K, Math-Shepherd, TRL's stepwise format, or `solutions`: a file "
        "in the format of GSM8K's published model solutions, in which every step gets the outcome "
        "of its solution as label."
    )
    domain: Domain = Field("math", description="Domain of its problems.")
    path: str | None = Field(
        None,
        description="Local file in the published format, JSON or Parquet. By default the corpus is "
        "loaded from the hub; source `solutions` must have a path.",
    )
    licence: Licence | None = Field(
        None,
        description="Licence of its problems and solutions, as the Hugging Face hub names it, for "
        "the cards; by default as published, and unknown for a file of your own.",
    )
    skip_malformed: bool = Field(
        False,
        description="Leave out malformed rows, and count and list them in card.json. By default a "
        "malformed row is an error.",
    )
    limit: Count | None = Field(
        None, description="Maximum number of rows, drawn at random; by default all rows."
    )
    validation: Share = Field(
        0.1,
        description="Share of the problems kept for validation, chosen by a hash of their text.",
    )


class CodeExecution(Block):
    """How model-written Python is run. Generated programs are interpreted and never need this."""

    sandbox: Literal["bubblewrap", "none, I accept that model-written code runs unprotected"] = (
        Field(
            "bubblewrap",
            description="bubblewrap, or an explicit statement that code may run without any "
            "protection.",
        )
    )
    seconds: float = Field(
        6.0,  # the slowest reference of MBPP needs 3 to 4 on a slow core
        ge=0.1,  # in less no program starts, and each would count as wrong
        description="Time limit of a program, in seconds of wall time. For contest problems "
        "(LiveCodeBench, TACO, APPS, CodeContests) the limit holds for each test, as in their "
        "judges, otherwise for all tests together.",
    )
    memory_mb: int = Field(
        512,
        ge=64,
        description="Address space of each process of a program, and memory of them all, in MiB.",
    )
    packages: str | None = Field(
        None,
        description="Folder with installed packages (site-packages of the running Python) that "
        "programs may import, read-only; by default only the standard library. BigCodeBench needs "
        "packages.",
    )

    @property
    def allow_unsafe(self) -> bool:
        """Whether the user accepted unprotected execution."""
        return self.sandbox != "bubblewrap"


class LadderModel(Block):
    """One size of the ladder: a Llama-architecture decoder pre-trained from scratch."""

    name: Name = Field(
        description="Name of the model. NAME is the end of its pre-training, NAME@PERCENT a "
        "checkpoint along it."
    )
    width: int = Field(description="Hidden size; must be an even multiple of `heads`.", ge=8)
    layers: Count = Field(description="Number of decoder layers.")
    heads: Count = Field(description="Number of attention heads.")

    @model_validator(mode="after")
    def _check_width(self) -> LadderModel:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must be an even multiple of heads {self.heads}")
        return self


def _check_checkpoints(checkpoints: list[int]) -> None:
    """Raise ValueError unless the percentages are above 0, increase and end with 100."""
    increasing = sorted(set(checkpoints)) == checkpoints
    if not increasing or checkpoints[-1:] != [100] or checkpoints[0] < 1:
        raise ValueError("checkpoints must be increasing percentages from 1 that end with 100")


class Pretraining(Block):
    """Pre-training of the ladder on solutions by authors who share the popular misreadings."""

    ladder: list[LadderModel] = Field([], description="The models, smallest first.")
    tokens: int = Field(
        2_000_000, ge=1000, description="Tokens of solutions that each model is trained on."
    )
    checkpoints: list[int] = Field(
        [25, 50, 100], description="Checkpoints to keep, in percent of `tokens`; must end with 100."
    )
    math_share: Share = Field(
        0.6, description="Share of arithmetic among the documents; the rest are programs."
    )
    batch: Count = Field(32, description="Documents per optimiser step.")
    learning_rate: float = Field(
        0.005,
        gt=0,
        description="Peak learning rate of Muon; a cosine schedule ends at a tenth of it.",
    )
    seeds: Count = Field(
        1,
        description="Number of independent pre-trainings (replicates) of each model. Policies use "
        "the first.",
    )
    most_wrong_sums: Share = Field(
        1.0,
        description="Sampling refuses a policy if a larger share of its wrong solutions to "
        "generated arithmetic hold a wrong sum: it was pre-trained too little, and every accuracy "
        "would depend on how far it happened to get. 1 refuses none.",
    )

    @model_validator(mode="after")
    def _check(self) -> Pretraining:
        _check_checkpoints(self.checkpoints)
        return self


class Example(Block):
    """A solved problem that the prompt shows before the problem to solve (few-shot)."""

    problem: str = Field(description="The problem, in the wording of the data set.")
    solution: str = Field(description="Its solution, in the form that the policy should write.")


_CHAT_STEPS: dict[Domain, StepRule] = {
    "math": "blank_line",
    "code": "block",
    "knowledge": "blank_line",
}
_INSTRUCTIONS: dict[Domain, str] = {
    "math": "Solve the problem step by step, with a blank line after each step. "
    "Put the final answer in \\boxed{}.",
    "code": "Solve the task in Python. Reply with the whole solution in one Python code block.",
    "knowledge": "Answer the question step by step, with a blank line after each step. "
    "Put the letter of the right option in \\boxed{}.",
}


class Prompting(Block):
    """How a policy is asked, and how its solutions are split into steps."""

    style: Literal["plain", "chat"] = Field(
        "plain",
        description="plain: the prompt is the bare problem. chat: the prompt is written by the "
        "model's chat template.",
    )
    system: str | None = Field(
        None,
        description="System prompt of the chat. If the template has no system role, the text "
        "precedes the first problem.",
    )
    instructions: dict[Domain, str] = Field(
        _INSTRUCTIONS,
        description="Text before the problem in the chat style, by domain; an empty text for none.",
    )
    examples: dict[Domain, list[Example]] = Field(
        {},
        description="Solved problems shown before the problem (few-shot), by domain. In the chat "
        "style they are turns of the chat.",
    )
    chat_template: dict[str, bool | int | float | str] = Field(
        {}, description="Arguments of the chat template, such as {enable_thinking: false}."
    )
    steps: dict[Domain, StepRule] = Field(
        {},
        description="How solutions are split into steps, by domain. line: at each line end. "
        "blank_line: at blank lines. marked: before each line that begins with `Step N`. words_N: "
        "at the first line end after N words. For code also statement: the statements of the "
        "module; block: the compound statements of the "
        "module and of its functions, and the runs of simple statements between them; function: "
        "the functions. By default line in the plain style, and in the chat style block for code "
        "and blank_line for others. `datasets[].steps` takes precedence.",
    )
    thoughts: Literal["hidden", "steps"] = Field(
        "hidden",
        description="Text that a reasoning model writes between `<think>` tags. hidden: it is "
        "removed before steps are split, scored and graded; tree search loses it when it "
        "continues from a step, and only the draw that wrote it counts it against max_tokens. "
        "steps: it is split into steps like the rest of the reply.",
    )

    @model_validator(mode="after")
    def _check(self) -> Prompting:
        if self.style == "plain" and (self.system is not None or self.chat_template):
            raise ValueError("system and chat_template belong to the chat style: set style: chat")
        for domain, rule in self.steps.items():
            if domain != "code" and rule in _CODE_STEP_RULES:
                raise ValueError(
                    f"steps: {rule} is a rule for code; {domain} has line, blank_line, marked and "
                    "words_N"
                )
        return self

    def instruction(self, domain: Domain) -> str:
        """The text before a problem of this domain."""
        return self.instructions.get(domain, _INSTRUCTIONS[domain])

    def step_rule(self, domain: Domain) -> StepRule:
        """How solutions of this domain are split into steps."""
        return self.steps.get(domain, _CHAT_STEPS[domain] if self.style == "chat" else "line")


PACKAGE = "package:"  # begins the name of a model in an installed Python package


class ReleasedModel(Block):
    """A model that already exists: its name, where it is, and how its weights are loaded."""

    name: Name = Field(description="Name of the model in the configuration and the results.")
    model: str = Field(description="Folder or hub name. Code in the folder is never run.")
    revision: str | None = Field(
        None,
        min_length=1,
        description="Branch, tag or commit on the hub; by default the main branch.",
    )
    dtype: DtypeChoice = Field(
        "auto",
        description="Number format of the weights. auto: bfloat16 on GPUs and on CPUs that compute "
        "in it (AMX or AVX512-BF16), float32 on others, where bfloat16 is slow.",
    )
    gpus: Count | None = Field(
        None,
        description="GPUs of a job that runs the model; by default as many as its size needs.",
    )


class ReleasedPolicy(ReleasedModel):
    """A causal language model that already exists: a policy, or the base of reward models."""

    model: str = Field(
        description="Folder or hub name; with gguf_file also package:NAME, an installed Python "
        "package. Code in the folder is never run."
    )
    gguf_file: str | None = Field(
        None,
        description="A GGUF file in that folder; it is dequantised once and stored with the "
        "results.",
    )
    prompting: Prompting = Field(
        Prompting(style="chat"),
        description="How the policy is asked. A `prompting` block without `style` is plain.",
    )
    config: dict[str, int | bool | str] | None = Field(
        None,
        description="The keys of config.json that determine the model's size: model_type, "
        "num_hidden_layers, hidden_size, num_attention_heads, num_key_value_heads, "
        "intermediate_size, vocab_size, tie_word_embeddings. Memory, GPUs and the projected cost "
        "are computed from them if config.json is neither in a folder nor in the hub's cache.",
    )
    solution_tokens: float | None = Field(
        None,
        gt=0,
        description="Expected tokens of a solution, for the projected cost; by default "
        "cost.solution_tokens.",
    )


class RecordedPolicy(Block):
    """A policy whose solutions were written elsewhere; the pipeline reads them from a file."""

    name: Name = Field(description="Name of the policy in the configuration and the results.")
    path: str = Field(
        description="File of JSON lines, JSON or Parquet. A row has the text of a problem, "
        "`question`, as its data set has it, and its solutions: a list of texts, `solutions`, or, "
        "as GSM8K's published model solutions, columns that hold a `solution` each."
    )
    tokenizer: str | None = Field(
        None,
        description="Folder or hub name of the tokenizer that counts the tokens of problems and "
        "solutions; by default words count as tokens. Steps are lines unless the data set has "
        "`steps`.",
    )
    parameters: float = Field(
        0,
        ge=0,
        description="Parameters of the model that wrote the solutions: 2 FLOPs per parameter and "
        "token. By default sampling costs no FLOPs.",
    )


class Sampling(Block):
    """How a policy is sampled."""

    engine: Engine | None = Field(
        None,
        description="The engine that samples, labels and searches; by default vllm with device "
        "cuda where there are released policies, else transformers. vllm has a prefix cache and "
        "splits weights over the job's GPUs (tensor parallelism); it needs its own environment "
        "(`make vllm`), and its self-certainty is a lower bound (docs/cluster.md).",
    )
    temperature: float = Field(
        0.8, ge=0, description="Softmax temperature; 0 takes the most likely token."
    )
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Nucleus sampling: total probability of the tokens that are kept.",
    )
    max_tokens: Count = Field(96, description="Maximum number of new tokens of a whole solution.")
    batch: Count = Field(512, description="Number of samples that are generated together.")


class Policies(Block):
    """The models that write solutions."""

    pretraining: Pretraining = Field(
        Pretraining(), description="The ladder of small models, trained by the pipeline."
    )
    released: list[ReleasedPolicy] = Field([], description="Language models that already exist.")
    recorded: list[RecordedPolicy] = Field(
        [],
        description="Policies whose solutions are in files. They can be evaluated, but neither "
        "label nor search step by step.",
    )
    sampling: Sampling = Field(Sampling(), description="How every policy is sampled.")


class LabelDecision(Block):
    """When a label method stops rolling out a prefix, and which label the prefix then has."""

    threshold: float = Field(
        ge=0,
        lt=1,
        description="A step is right if its chance of success is more likely above this threshold "
        "than not. At 0 a step is right if any rollout succeeds, and the first success ends the "
        "rollouts.",
    )
    confidence: float = Field(
        0.9,
        gt=0.5,
        lt=1,
        description="Posterior probability at which rollouts end before all K are spent. It has "
        "no effect at threshold 0.",
    )


class LabelDecisions(Block):
    """The rule of each label method that can be configured.

    The other methods have fixed rules: `monte_carlo` and `omega` call a step right if any rollout
    succeeds (a training set's `threshold` can ask more of monte_carlo); `oracle` is the truth.
    """

    adaptive: LabelDecision = Field(
        LabelDecision(threshold=0.2),
        description="Rule of `adaptive`. The default compares the posterior with a threshold, "
        "because only the posterior saves rollouts.",
    )
    binary_search: LabelDecision = Field(
        LabelDecision(threshold=0.0),
        description="Rule of `binary_search`, and of each labeller of `consensus`, which runs "
        "binary searches. The default accepts any success, as OmegaPRM does and as arXiv "
        "2501.07301 found best.",
    )


class OmegaTree(Block):
    """The tree of the method `omega` (OmegaPRM, arXiv 2406.06592), with the paper's constants."""

    searches: Count = Field(
        4,
        description="Maximum number of wrong rollouts per problem in which the first error is "
        "searched.",
    )
    alpha: float = Field(
        0.5,
        gt=0,
        le=1,
        description="The lower, the earlier rollouts of states that mostly succeed are searched.",
    )
    beta: float = Field(
        0.9, gt=0, le=1, description="The lower, the earlier short rollouts are searched."
    )
    length: float = Field(
        500, gt=0, description="Length L of a rollout, in tokens, at which beta applies once."
    )
    exploration: float = Field(
        0.125, ge=0, description="c_puct: bonus of states that were seldom selected."
    )


class Progress(Block):
    """The reading `progress` of Monte-Carlo values: relative progress (arXiv 2504.00891)."""

    threshold: float = Field(
        0.8,
        ge=0,
        le=1,
        description="A step is right if the value after it is at least this share of the value "
        "before it, and no step up to it has the value 0. The default is GenPRM's.",
    )


class Advantage(Block):
    """The reading `advantage` of the Monte-Carlo values of two policies (arXiv 2410.08146): the
    value under the writer, plus what the step changes in the value under a prover.
    """

    prover: str | None = Field(
        None,
        description="The policy whose rollouts from the same prefixes tell the prover's values; by "
        "default the writer of the solutions, whose rollouts are there already.",
    )
    best_of: Count = Field(
        4,
        description="Solutions of which the prover keeps a right one, if there is any: its value "
        "is 1 - (1 - v)^best_of, for a policy of value v. With 1 the prover is the policy itself, "
        "which then must be another than the writer.",
    )
    weight: float = Field(1.0, ge=0, description="Weight of the prover's advantage.")

    @model_validator(mode="after")
    def _check_prover(self) -> Advantage:
        if self.prover is None and self.best_of == 1:
            raise ValueError(
                "best_of: 1 makes the writer its own prover: name another `prover`, or raise it"
            )
        return self


class Denoised(Block):
    """The reading `denoised` of Monte-Carlo values: labels that allow for what a labeller cannot do
    (SCAN, arXiv 2509.16548).
    """

    confidence: Share = Field(
        0.75,
        description="Problems are left out unless at least this share of their labelled solutions "
        "is right. The default is that of SCAN-Pro.",
    )
    tolerance: int = Field(
        2,
        ge=0,
        description="Number of steps before the first error whose value is soft: their share of "
        "right rollouts over the share of right solutions, at most 1.",
    )


class LabelComparison(Block):
    """Comparison of label methods on the same problems, whose true step labels are known (figure
    9).
    """

    methods: list[Annotated[RolloutMethod, OrPlugin("method")]] = Field(
        [],
        description="The methods to compare. If empty, figure 9 shows the labels that reward "
        "models are trained on.",
    )
    rollouts: Count = Field(
        8,
        description="K of all methods. Monte-Carlo labels are also judged at every smaller power "
        "of two.",
    )
    problems: Count = Field(
        80, description="Number of train problems per data set, from the first; all if fewer."
    )


class Labels(Block):
    """Labels of steps: whose solutions are labelled, and how."""

    policy: str = Field(
        description="The policy that writes training solutions and rollouts, unless a training set "
        "names others."
    )
    solutions: Count = Field(4, description="Solutions per training or validation problem.")
    rollouts: Count = Field(
        4,
        description="Rollouts from the prefix of every step (K of Math-Shepherd); the maximum for "
        "methods that can stop early.",
    )
    decision: LabelDecisions = Field(
        LabelDecisions(),
        description="What the methods that can stop early call right, and when they stop.",
    )
    consensus: list[str] = Field(
        [],
        description="The labellers of the method `consensus`: two or more policies. Each searches "
        "the first error as `binary_search` does; a solution is kept if all find the same first "
        "error.",
    )
    omega: OmegaTree = Field(OmegaTree(), description="The tree of the method `omega`.")
    progress: Progress = Field(Progress(), description="The rule of the method `progress`.")
    advantage: Advantage = Field(
        Advantage(), description="The prover of the method `advantage`, and its weight."
    )
    denoised: Denoised = Field(Denoised(), description="The rule of the method `denoised`.")
    compare: LabelComparison = Field(
        LabelComparison(), description="Label methods that are compared (figure 9)."
    )
    shards: Count = Field(
        8, description="Number of shards of a job; an interrupted job loses at most one."
    )
    jobs: Count = Field(
        1,
        description="Number of jobs that make the shards of a table of labels, at most `shards`. "
        "It does not change the labels, but a change makes Snakemake label again.",
    )


class TrainingSet(Block):
    """Labelled solutions that reward models are trained on, from data sets and corpora."""

    name: Name = Field(description="Name of the training set; rewards.models refer to it.")
    datasets: list[str] = Field(
        [], description="Data sets whose train split is used, in equal parts."
    )
    policies: list[str] = Field(
        [],
        description="Policies that write the solutions; each labels its own solutions by its own "
        "rollouts. The policies take turns on every problem. By default labels.policy alone.",
    )
    corpora: list[str] = Field(
        [],
        description="Corpora that are used beside the data sets, in equal parts, with their "
        "published labels.",
    )
    labels: Annotated[LabelMethod, OrPlugin("method")] = Field(
        "monte_carlo",
        description="The label method, and when it calls a step right. monte_carlo: a fixed number "
        "of rollouts, of which more than the share `threshold` succeed. adaptive: rollouts until "
        "labels.decision.adaptive is sure. binary_search: a search for the first error, each check "
        "by labels.decision.binary_search. consensus: binary searches by several policies; only "
        "solutions on which all agree are kept. omega: a tree of rollouts, which are also the "
        "solutions; any rollout succeeds. progress, advantage, denoised: readings of Monte-Carlo "
        "values by labels.progress, labels.advantage and labels.denoised. oracle: the truth. "
        "tables/labels.csv states the rule of each table of labels.",
    )
    threshold: Share = Field(
        0.0,
        lt=1,
        description="For monte_carlo: a step is right if more than this share of its rollouts "
        "succeeds. The default accepts any success, as in Math-Shepherd and as arXiv 2501.07301 "
        "found best.",
    )
    solutions: Count | None = Field(
        None, description="Total number of solutions, drawn at random; by default all."
    )
    per_problem: Count | None = Field(
        None,
        description="Solutions per problem. Problems are drawn until their solutions make up "
        "`solutions`: the smaller this number, the more problems. By default solutions are drawn "
        "regardless of their problem.",
    )
    wordings: list[str] | None = Field(
        None,
        min_length=1,
        description="Use only problems in which no other wordings than these can be misread (keys "
        "of world.misreading_rates). Only generated data sets have wordings.",
    )
    shuffled: bool = Field(
        False,
        description="A control: exchange labels at random among training solutions with the same "
        "number of steps.",
    )

    @model_validator(mode="after")
    def _check_sources(self) -> TrainingSet:
        if not self.datasets and not self.corpora:
            raise ValueError("at least one of datasets and corpora is required")
        if self.policies and not self.datasets:
            raise ValueError("policies write solutions of datasets, and no data set is named")
        if len(set(self.policies)) < len(self.policies):
            raise ValueError("policies: a policy is named twice")
        return self

    @model_validator(mode="after")
    def _check_threshold(self) -> TrainingSet:
        if self.threshold and self.labels != "monte_carlo":
            raise ValueError(
                "threshold is for labels: monte_carlo; other methods have rules of their own"
            )
        if self.threshold and not self.datasets:
            raise ValueError(
                "threshold is for monte_carlo labels of datasets; corpora have their own labels"
            )
        return self

    @model_validator(mode="after")
    def _check_sizes(self) -> TrainingSet:
        if self.policies and self.per_problem and self.per_problem % len(self.policies):
            raise ValueError(
                f"per_problem: {self.per_problem} must be a multiple of its "
                f"{len(self.policies)} policies"
            )
        parts = (len(self.datasets) + len(self.corpora)) * (self.per_problem or 1)
        if self.solutions and self.per_problem and self.solutions % parts:
            raise ValueError(
                f"solutions: {self.solutions} must be a multiple of {parts}: its sources times "
                "per_problem"
            )
        return self


class Lora(Block):
    """LoRA adapters of all linear layers (arXiv 2106.09685), merged into the saved weights."""

    rank: Count = Field(16, description="Rank of each adapter.")
    alpha: Count = Field(32, description="Scale of each adapter; it is divided by the rank.")


class RewardTraining(Block):
    """Training of reward models: binary cross-entropy (BCE) at step ends, averaged over steps, with
    an optional ranking loss.
    """

    head: Literal["scalar", "evidence", "implicit"] = Field(
        "scalar",
        description="How step scores are computed. scalar: a linear map of the base's hidden "
        "state. evidence: evidence summed over tokens, from how much each token surprises the "
        "frozen base. implicit: the log-ratio of a policy to its reference (implicit PRM, arXiv "
        "2412.01981).",
    )
    steps: int = Field(
        400,
        ge=0,
        description="Number of optimiser steps. 0 is a control: the base with an untrained head.",
    )
    batch: Count = Field(32, description="Solutions per optimiser step.")
    learning_rate: float = Field(
        0.002,
        gt=0,
        description="Peak learning rate, after a warm-up over 5 % of the steps; a cosine schedule "
        "ends at a tenth of it.",
    )
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="Muon for the matrices and AdamW for the rest, or AdamW for all."
    )
    target: Literal["hard", "soft"] = Field(
        "hard", description="Target of a step: its label (0 or 1), or its share of successes."
    )
    supervise: Literal["first_error", "all", "outcome"] = Field(
        "all",
        description="Steps that have a loss. all: every step. first_error: the steps up to and "
        "including the first that is labelled wrong (for labels without noise: a right step "
        "without a successful rollout hides all later steps, including the known outcome). "
        "outcome: the last step alone, with the outcome of the solution as its label (as the "
        "implicit PRM is trained).",
    )
    ranking_weight: float = Field(
        0.0,
        ge=0,
        description="Weight of a ranking loss over right and wrong solutions of the same problem, "
        "added to BCE.",
    )
    whole_problems: bool = Field(
        False,
        description="A batch holds all solutions of its problems, so that what they share, the "
        "prompt and the first steps, is read once: faster, but with few problems in a batch the "
        "loss is higher (docs/recipe.md). A ranking loss implies it.",
    )
    checkpoints: list[int] = Field(
        [100], description="Checkpoints to keep, in percent of `steps`; must end with 100."
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Number format of forward and backward passes; weights and optimiser state "
        "are float32.",
    )
    accumulation: Count = Field(
        1,
        description="Number of parts into which a batch is split to save memory (gradient "
        "accumulation).",
    )
    activation_checkpointing: bool = Field(
        False,
        description="Recompute activations in the backward pass: less memory, a third more time.",
    )
    lora: Lora | None = Field(
        None, description="Train LoRA adapters of the base; by default all weights are trained."
    )
    resume_minutes: float = Field(
        10.0,
        gt=0,
        description="Minutes between saved states, from which an interrupted training resumes.",
    )
    seeds: Count = Field(
        1,
        description="Number of independent trainings (replicates) of each reward model. Replicate "
        "r starts from pre-training r, modulo policies.pretraining.seeds.",
    )

    @model_validator(mode="after")
    def _check(self) -> RewardTraining:
        _check_checkpoints(self.checkpoints)
        if self.accumulation > 1 and self.ranking_weight:
            raise ValueError(
                "a ranking loss compares solutions of one problem: accumulation above 1 requires "
                "ranking_weight 0"
            )
        if self.lora and self.head != "scalar":
            raise ValueError("lora adapts the base under a scalar head: set head: scalar")
        return self


class RewardModel(Block):
    """A process reward model (PRM) that the pipeline trains."""

    name: Name = Field(description="Name of its folder, and of its rows in the results.")
    base: str = Field(
        description="The model that training starts from: a ladder model (NAME or NAME@PERCENT) or "
        "a released policy."
    )
    data: str = Field(description="The training set.")
    role: Role = Field(
        "",
        description="math or code: the model stands for PRM-Math or PRM-Code in table 1, figure 6 "
        "and table 2.",
    )
    training: RewardTraining | None = Field(
        None, description="Keys that replace those of rewards.training for this model."
    )
    gpus: Count | None = Field(
        None,
        description="GPUs of a job that trains the model or scores with it; by default as many as "
        "the size of the base needs.",
    )

    @model_validator(mode="after")
    def _check_seeds(self) -> RewardModel:
        if self.training and "seeds" in self.training.model_fields_set:
            raise ValueError(
                "seeds must be set in rewards.training: every reward model is trained equally often"
            )
        return self

    @field_serializer("training")
    def _serialize_training(self, training: RewardTraining | None) -> dict[str, Any] | None:
        """Only the keys that are set here, so that a stored configuration can be read again."""
        return training.model_dump(include=training.model_fields_set) if training else None


class ReleasedRewardModel(ReleasedModel):
    """A process reward model that already exists: it takes part in search and figures untrained."""

    format: Annotated[PrmFormat, OrPlugin("format")] = Field(
        description="How the model reads a solution and reports its scores: as "
        "math-shepherd-mistral-7b-prm, RLHFlow's Llama PRMs, Skywork-o1-Open-PRM, "
        "Qwen2.5-Math-PRM, ReasonFlux-PRM-7B, VersaPRM, the PRMs of Llemma, implicit PRMs such as "
        "EurusPRM, or models of TRL's PRMTrainer and others that classify tokens (trl)."
    )
    separator: str | None = Field(
        None, description="For format trl: the text that ends a step; by default a line end."
    )
    reference: str | None = Field(
        None,
        description="For format implicit: folder or hub name of the language model that the PRM "
        "was trained from. It reads every solution too, and is in memory beside the PRM, in the "
        "same number format.",
    )
    tokenizer: str | None = Field(
        None,
        description="Folder or hub name of the tokenizer, if the model's repository has none, as "
        "those of Llemma's PRMs (EleutherAI/llemma_7b).",
    )
    role: Role = Field(
        "",
        description="math or code: the model stands for PRM-Math or PRM-Code in table 1, figure 6 "
        "and table 2.",
    )

    @model_validator(mode="after")
    def _check_reference(self) -> ReleasedRewardModel:
        if self.format == "implicit" and self.reference is None:
            raise ValueError(
                "an implicit PRM scores by its log-ratio to the model it was trained from: give "
                "that model as reference"
            )
        if self.format != "implicit" and self.reference is not None:
            raise ValueError(f"reference is for format implicit; {self.format} has none")
        return self


class Verifier(Block):
    """A language model that is asked for a verdict on each step (a generative verifier). It takes
    part in search and figures like a released reward model.
    """

    name: Name = Field(description="Name of the verifier in the configuration and the results.")
    base: str = Field(
        description="The language model that is asked: a released policy or a ladder model. The "
        "policy under test itself is a control: what its own judgement is worth."
    )
    format: VerifierFormat = Field(
        "judge",
        description="How the model is asked. judge: by `prompt`. thinkprm, genprm: as the authors "
        "of ThinkPRM (arXiv 2504.16828) and GenPRM (arXiv 2504.00891, without its code execution) "
        "ask their models.",
    )
    prompt: str | None = Field(
        None,
        description="For format judge: the question about a step. {problem} stands for the "
        "problem, {steps} for the steps up to and including the one in question. By default it "
        "asks whether these steps are right, for a verdict of the default form.",
    )
    verdicts: tuple[str, str] | None = Field(
        None,
        strict=False,
        description="For format judge: the texts of a good and of a bad verdict, with which a "
        "reply ends; by default `Verdict: Yes` and `Verdict: No`. The score is the probability of "
        "the first against the second, at the first token in which they differ.",
    )
    thoughts: int = Field(
        1,
        ge=0,
        description="Number of thoughts (chains of reasoning) sampled for each step; the score is "
        "the mean over their verdicts. 0: the verdict is read directly after the question.",
    )
    max_tokens: Count = Field(
        512,
        description="Maximum number of tokens of a thought. After a thought that is cut there the "
        "verdict is read all the same; such thoughts are counted.",
    )
    temperature: float = Field(
        0.7, ge=0, description="Softmax temperature of the thoughts; 0 takes the most likely token."
    )

    @model_validator(mode="after")
    def _check_question(self) -> Verifier:
        if self.format != "judge" and (self.prompt, self.verdicts) != (None, None):
            raise ValueError(f"prompt and verdicts are for format judge; {self.format} has its own")
        missing = [key for key in ("{problem}", "{steps}") if key not in (self.prompt or key)]
        if missing:
            raise ValueError(f"prompt must hold {' and '.join(missing)}")
        good, bad = self.verdicts or ("a", "b")
        if good.startswith(bad) or bad.startswith(good):
            raise ValueError("verdicts must be two texts of which neither begins with the other")
        if self.thoughts > 1 and self.temperature == 0:
            raise ValueError("thoughts above 1 are all alike at temperature 0: raise it")
        return self


class Rewards(Block):
    """Reward models and their training sets."""

    training: RewardTraining = Field(RewardTraining(), description="How reward models are trained.")
    data: list[TrainingSet] = Field([], description="The training sets.")
    models: list[RewardModel] = Field([], description="The reward models that are trained.")
    released: list[ReleasedRewardModel] = Field([], description="Reward models that already exist.")
    verifiers: list[Verifier] = Field(
        [], description="Language models that are asked for a verdict on each step."
    )


class Evaluation(Block):
    """A policy under test, or several whose samples are mixed. Results name the samples by the
    policies, and by the sampling where it is not that of `policies.sampling`: m, m@t=1.2,
    m@t=1.2,p=0.9, m+l.
    """

    policy: str = Field(description="The policy whose solutions are searched.")
    mixed_with: list[str] = Field(
        [],
        description="Policies that take turns with `policy` in writing the samples of each problem "
        "(not in the first evaluation).",
    )
    temperature: float | None = Field(
        None, ge=0, description="Softmax temperature; by default policies.sampling.temperature."
    )
    top_p: float | None = Field(
        None, gt=0, le=1, description="Nucleus sampling; by default policies.sampling.top_p."
    )
    datasets: list[str] = Field(
        description="Data sets whose test problems the policy solves.", min_length=1
    )
    samples: Count = Field(
        64, description="Solutions sampled per test problem: the largest budget."
    )
    reward_models: list[str] | Literal["roles"] | None = Field(
        None,
        description="The reward models that choose among these solutions: a list of names; roles "
        "for those with a role, or all where none has one; by default all. The first policy's "
        "solutions are for all reward models.",
    )

    @property
    def policies(self) -> list[str]:
        """The policies that take turns; one unless they are mixed."""
        return [self.policy, *self.mixed_with]

    def adapt(self, sampling: Sampling) -> Sampling:
        """How these policies are sampled, where others are sampled so."""
        own = {"temperature": self.temperature, "top_p": self.top_p}
        return sampling.model_copy(update={k: v for k, v in own.items() if v is not None})


class Mcts(Block):
    """Monte-Carlo tree search. The paper gives the selection rule (UCT); the rest is assumed."""

    exploration: float = Field(
        0.3,
        ge=0,
        description="c of UCT, in units of the reward model's score; the default was chosen on "
        "validation problems.",
    )
    value: Literal["prm", "rollout", "both"] = Field(
        "prm",
        description="Value of a leaf: its own score, the score of a rollout to the end, or the "
        "mean of both.",
    )
    backup: Literal["mean", "max"] = Field(
        "mean", description="Value of a node: the mean or the maximum of the values backed up."
    )
    final: Literal["best", "visits", "value"] = Field(
        "best",
        description="The answer: the whole solution with the best score, or the one below the most "
        "visited nodes or below the nodes of highest value.",
    )
    simulations: Count | None = Field(
        None,
        description="Maximum number of simulations; by default as many as the budget pays for.",
    )


class Puct(Block):
    """PUCT: exploration rate log((1 + N + base) / base) + init, with the policy's prior."""

    base: float = Field(19652, gt=0, description="c_base of AlphaZero.")
    init: float = Field(1.25, ge=0, description="c_init of AlphaZero.")
    prior: Literal["mean", "sum"] = Field(
        "mean",
        description="How the log-probabilities of a step's tokens become its prior among its "
        "siblings: their mean, as in openr, or their sum, the log-probability of the whole step.",
    )

    @property
    def averaged(self) -> bool:
        """Whether log-probabilities are averaged over a step's tokens."""
        return self.prior == "mean"


class ParticleFiltering(Block):
    """Particle filtering: resampling by the softmax of the scores' log-odds (arXiv 2502.01618)."""

    temperature: float = Field(
        1.0,
        ge=0,
        description="Temperature of that softmax. 1 is the published rule. 0 keeps copies of the "
        "best particle alone; the higher, the more of the policy's own distribution is kept.",
    )


class TreeSearch(Block):
    """Search step by step, guided by a reward model: beam, look-ahead, DVTS, particle filtering,
    MCTS and PUCT.
    """

    reward_models: list[str] = Field(
        [],
        description="Reward models that guide the search. Each searches the data sets of the first "
        "evaluation, in one job per data set.",
    )
    strategies: list[Annotated[TreeStrategy, OrPlugin("tree_strategy")]] = Field(
        ["beam", "lookahead", "dvts", "mcts", "puct"],
        min_length=1,
        description="The tree strategies to compare. By default all but particle_filtering, which "
        "writes as much as beam search.",
    )
    aggregations: list[Aggregation] = Field(
        ["product"],
        min_length=1,
        description="How the scores of its steps become the score of a partial solution.",
    )
    expansion: Count = Field(
        4, description="Number of candidates for the next step of a partial solution."
    )
    lookahead: Count = Field(1, description="Number of steps that look-ahead search looks ahead.")
    particle_filtering: ParticleFiltering = Field(
        ParticleFiltering(), description="The resampling of particle filtering."
    )
    mcts: Mcts = Field(
        Mcts(), description="Monte-Carlo tree search. PUCT uses all keys but `exploration`."
    )
    puct: Puct = Field(Puct(), description="The exploration of PUCT.")
    unit: Literal["tokens", "flops"] = Field(
        "tokens",
        description="Unit of a budget of n samples' worth: n times the average generated tokens, "
        "or FLOPs of policy and reward model, of a sample of the problem. Figures and claims "
        "compare strategies at equal tokens in either case.",
    )
    saved_trees: int = Field(
        3, ge=0, description="Number of problems per data set whose search trees are stored."
    )
    shards: Count = Field(
        2, description="Number of shards of a job; an interrupted job loses at most one."
    )
    jobs: Count = Field(
        1,
        description="Number of jobs that make the shards of a table of searches, at most `shards`. "
        "It does not change the searches, but a change makes Snakemake search again.",
    )


class ProcessBench(Block):
    """A subset of ProcessBench, whose first wrong steps people annotated, or a class of PRMBench,
    whose errors were put in.
    """

    subset: Literal[ProcessBenchSubset, PrmBenchClass] = Field(
        description="Published name of the subset or class (PRMBench's spelling: redundency)."
    )
    path: str | None = Field(
        None,
        description="Local file in the published format; `{split}` stands for the subset. By "
        "default the subset is loaded from the hub.",
    )

    @property
    def bench(self) -> Literal["ProcessBench", "PRMBench"]:
        """The benchmark that the subset belongs to."""
        return "PRMBench" if self.subset in get_args(PrmBenchClass) else "ProcessBench"


class FirstErrors(Block):
    """Where reward models are asked for the first wrong step, as in ProcessBench (figure 10)."""

    samples: Count = Field(
        8, description="Number of samples per generated test problem, from the first."
    )
    process_bench: list[ProcessBench] = Field(
        [],
        description="Subsets of ProcessBench and classes of PRMBench. Thresholds are chosen on the "
        "labelled validation solutions of generated data sets; in a study without generated data "
        "sets, on the first subset, as ProcessBench's authors do.",
    )


class Search(Block):
    """Test-time search."""

    evaluations: list[Evaluation] = Field(
        [], description="Policies under test. The figures show the first."
    )
    budgets: list[Count] = Field(
        [1, 2, 4, 8, 16, 32, 64],
        description="Budgets, in samples' worth: increasing numbers from 1.",
    )
    strategies: list[Annotated[Strategy, OrPlugin("strategy")]] = Field(
        [
            "one_sample",
            "random",
            "majority",
            "likelihood",
            "self_certainty",
            "best_of_n",
            "weighted_best_of_n",
            "adaptive_best_of_n",
            "oracle",
        ],
        min_length=1,
        description="The strategies over whole samples to compare. Not by default: "
        "self_certainty_vote; visible_tests and filtered_best_of_n, which choose among programs "
        "alone, by the tests that problems show; calibrated_majority, which needs `calibration`.",
    )
    tree: TreeSearch = Field(TreeSearch(), description="Search step by step.")
    engine: Engine = Field(
        "transformers",
        description="The engine that scores with trained reward models that have a scalar head, "
        "and with released ones of the formats qwen, reasonflux and trl: transformers, or vllm "
        "with tensor parallelism over the job's GPUs (`make vllm`), which keeps every checkpoint "
        "in memory. Transformers scores with all others.",
    )
    aggregations: list[Aggregation] = Field(
        list(get_args(Aggregation)),
        min_length=1,
        description="How step scores become the score of a solution.",
    )
    calibration: Calibrated = Field(
        "none",
        description="How the scores of solutions become probabilities in adaptive_best_of_n and "
        "calibrated_majority, which count them as votes: Platt scaling or isotonic regression on "
        "solutions of validation problems, for each reward model and aggregation. none: the votes "
        "are the scores.",
    )
    likelihoods: list[str] = Field(
        [],
        description="Language models whose likelihood ranks the samples: a control, beside the "
        "policy's own likelihood.",
    )
    first_errors: FirstErrors = Field(
        FirstErrors(), description="First wrong steps that every reward model must find."
    )


class Patterns(Block):
    """Comparison of activation patterns: math responses selected by PRM-Math and code responses
    selected by PRM-Code.
    """

    reference: str | None = Field(
        None,
        description="The language model whose weights define the patterns; by default the policy "
        "that the figures show.",
    )
    problems: Count = Field(
        100, description="Test problems per domain, drawn at random; all if there are fewer."
    )
    sketch: Count = Field(
        65537,
        description="Size of the sketch of a pattern, a prime. Models with at most as many weights "
        "have exact patterns.",
    )


class Analysis(Block):
    """Figures, intervals and tests."""

    figures: list[Figure] = Field(
        list(FIGURES),
        description="Figures and tables that are drawn by default. `transfer` is left out where "
        "the wordings of both domains are the same (`world.misreading_rates`), and `temperature` "
        "where no policy is evaluated at two temperatures.",
    )
    aggregation: Literal[Aggregation, "validation"] = Field(
        VALIDATION,
        description="Aggregation of step scores in figures and claims. validation: the aggregation "
        "with which the trained reward models select best on validation problems.",
    )
    level: float = Field(0.95, gt=0, lt=1, description="Coverage of the confidence intervals.")
    permutations: Count = Field(2000, description="Number of permutations of the test in table 2.")
    table1_budget: Count = Field(
        8, description="N of table 1, of figure 6 and of the selections in table 2."
    )
    patterns: Patterns = Field(
        Patterns(), description="Similarity of selected responses (table 2)."
    )
    ngram: Count = Field(
        13, description="Length in words of a shared n-gram that counts as contamination."
    )


class Headlines(Block):
    """The contrast on which each claim's verdict rests, on every data set. All contrasts are
    measured.
    """

    flops_tradeoff: Literal["interaction", "best_split", "both_count"] = Field(
        "interaction",
        description="Whether pre-training and PRM training reinforce each other, whether there is "
        "a best split of FLOPs between them, or whether both improve accuracy.",
    )
    diminishing_returns: Literal["growth", "slowing", "plateau"] = Field(
        "slowing",
        description="growth: accuracy grows with size. slowing: it grows, and ever more slowly. "
        "plateau: the two largest are as good as each other.",
    )
    data_diversity: Literal[
        "wordings", "problems", "policies", "domains", "oracle", "consensus", "filter"
    ] = Field(
        "wordings",
        description="Diversity of wordings, problems, policies or domains; or better labels: the "
        "truth (oracle), consensus labels, or the consensus filter alone.",
    )
    search_budget: Literal["order", "plentiful", "scarce"] = Field(
        "order",
        description="plentiful: MCTS beats best-of-n when compute is plentiful. scarce: best-of-n "
        "beats MCTS when compute is scarce. order: both.",
    )
    math_to_code: Literal["as_good", "selects"] = Field(
        "as_good",
        description="as_good: PRM-Math selects code as well as PRM-Code. selects: PRM-Math selects "
        "code better than chance.",
    )
    pattern_similarity: Literal["random", "as_long"] = Field(
        "random",
        description="Compare selected responses with random responses, or with responses of the "
        "same length.",
    )
    process_beats_outcome: Literal["chosen", "last"] = Field(
        "chosen",
        description="Compare PRM and ORM each by the aggregation that suits it (of the ORM, the "
        "last step), or both by the last step.",
    )
    scores_are_probabilities: Literal["error", "overconfidence", "late_steps"] = Field(
        "error",
        description="How far scores of steps are from shares of right steps: on average over "
        "ranges of scores (error), the mean score less the share of right steps (overconfidence), "
        "or how much the latter grows from the first quarter of a solution to the last.",
    )


class SmallestEffects(Block):
    """The smallest effect of interest of each claim's headline, as a share: `equivalent` is the
    verdict on an effect that certainly lies within it, and a study's power is that against it.
    """

    flops_tradeoff: Share = Field(
        0.01,
        description="Of `interaction`: what a doubling of pre-training adds to the gain of a "
        "doubling of PRM training.",
    )
    diminishing_returns: Share = Field(
        0.02, description="Of `slowing`: how much less a doubling of the size gains."
    )
    data_diversity: Share = Field(0.05, description="A difference of accuracies.")
    search_budget: Share = Field(0.05, description="A difference of accuracies.")
    math_to_code: Share = Field(
        0.05,
        description="A difference of accuracies: two reward models are as good if the 90 % "
        "interval of their difference lies within it.",
    )
    pattern_similarity: Share = Field(0.01, description="A difference of similarities.")
    process_beats_outcome: Share = Field(0.05, description="A difference of accuracies.")
    scores_are_probabilities: Share = Field(
        0.05, description="A difference of a score and a share of right steps."
    )


class Claims(Block):
    """Rules of the verdicts, fixed before the run."""

    smallest_effects: SmallestEffects = Field(
        SmallestEffects(), description="The smallest effect of interest of each claim's headline."
    )
    trainings: Count = Field(
        5,
        description="Fewest trainings of each reward model on which a headline is judged; with "
        "fewer it is inconclusive. 1 judges the reward models that were trained rather than their "
        "recipe. Without this rule two or three trainings that agree by chance decide. It does not "
        "apply to a study that trains no reward model.",
    )
    minimum_effect: Share = Field(
        0.0, description="An effect supports a claim if its interval lies above this value."
    )
    scarce_budget: int = Field(
        2,
        ge=2,
        description="Budget in samples' worth of tokens at which compute is scarce for the claim "
        "search_budget. At 1 there is nothing to select from.",
    )
    headlines: Headlines = Field(
        Headlines(), description="The contrast on which each claim's verdict rests."
    )


class Cluster(Block):
    """What jobs can count on in a cluster. With `device: cpu` no job requests a GPU."""

    gpu_memory_gb: float = Field(
        80, gt=0, description="Memory of one GPU, in GB. Models that need more get several GPUs."
    )
    gpus_per_node: Count = Field(
        8,
        description="GPUs of one node. A reward model whose training needs more is trained on "
        "whole nodes; all other jobs run on one.",
    )


class Cost(Block):
    """Expected sizes of solutions, for the projected cost. The defaults are the miniature's, and
    guesses for knowledge, which it lacks.
    """

    prompt_tokens: dict[Domain, float] = Field(
        {"math": 38, "code": 37, "knowledge": 250}, description="Tokens per prompt, by domain."
    )
    solution_tokens: dict[Domain, float] = Field(
        {"math": 65, "code": 35, "knowledge": 400}, description="Tokens per solution, by domain."
    )
    steps: dict[Domain, float] = Field(
        {"math": 5, "code": 6, "knowledge": 8}, description="Steps per solution, by domain."
    )
    distinct_prefixes: float = Field(
        0.3,
        gt=0,
        le=1,
        description="Share of step prefixes that no other solution of the problem shares.",
    )

    @field_validator("prompt_tokens", "solution_tokens", "steps")
    @classmethod
    def _complete(cls, sizes: dict[Domain, float], info: ValidationInfo) -> dict[Domain, float]:
        """The defaults for the domains that a study does not name."""
        return {**cls.model_fields[str(info.field_name)].default, **sizes}


Colour = Literal[
    "black", "orange", "sky", "green", "blue", "vermilion", "purple", "grey", "wine", "sand",
    "indigo", "brown",
]  # fmt: skip


class FigureStyle(Block):
    """What a single figure has otherwise than the others; what is not given is as in `style`."""

    width: float | None = Field(None, gt=1, description="Inches.")
    height: float | None = Field(None, gt=0.5, description="Inches.")
    font: str | None = Field(None, description="As in `style`.")
    font_size: float | None = Field(None, gt=2, description="As in `style`.")
    palette: dict[Colour, str] = Field({}, description="Laid over that of `style`.")
    labels: dict[str, str] = Field({}, description="Laid over those of `style`.")


class Style(Block):
    """How figures look. A figure is drawn again from its table when its style changes."""

    column_width: float = Field(3.3, gt=1, description="Inches of a figure with a single panel.")
    full_width: float = Field(7.0, gt=1, description="Inches of a figure with panels side by side.")
    font: str = Field(
        "DejaVu Sans",
        description="Family of the font, which must be installed; matplotlib brings DejaVu Sans.",
    )
    font_size: float = Field(
        8.0, gt=2, description="Points of titles and axis labels; other text is as much smaller."
    )
    palette: dict[Colour, str] = Field(
        {},
        description="Colours of ours and what stands for them: a name or #RRGGBB that matplotlib "
        "knows. The same thing has the same colour in all figures.",
    )
    labels: dict[str, str] = Field(
        {},
        description="Texts of figures, whole or in part (whole words), and what stands for them: "
        "for other names or another language.",
    )
    figures: dict[Figure, FigureStyle] = Field({}, description="Single figures that differ.")

    def of_figure(self, figure: Figure) -> Style:
        """The style in which one figure is drawn."""
        own = self.figures.get(figure, FigureStyle())
        laid_over = {
            "font": own.font or self.font,
            "font_size": own.font_size or self.font_size,
            "palette": self.palette | own.palette,
            "labels": self.labels | own.labels,
            "figures": {figure: own},
        }
        return self.model_copy(update=laid_over)


class Study(Block):
    """A whole study."""

    study: Name = Field("laptop", description="Name of the study; results are in results/STUDY/.")
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of every random draw.")
    device: Literal["cpu", "cuda"] = Field(
        "cpu", description="Device that runs the models. With cuda, jobs request GPUs."
    )
    threads: Count = Field(
        1,
        le=1024,
        description="CPU threads of a job that runs a model. Results do not depend on the number "
        "of cores.",
    )
    plugins: list[str] = Field(
        [],
        description="Python files of yours that register tasks, strategies, PRM formats or label "
        "methods, whose names are valid in the rest of the configuration (docs/extending.md). "
        "Paths are relative to the working directory. Jobs that use a name run again when its "
        "file changes.",
    )
    world: World = Field(World(), description="The generated world.")
    datasets: list[Dataset] = Field(description="The problems.", min_length=1)
    corpora: list[Corpus] = Field([], description="Published solutions with published labels.")
    code_execution: CodeExecution = Field(
        CodeExecution(), description="How model-written code is run."
    )
    policies: Policies = Field(Policies(), description="The models that write solutions.")
    labels: Labels = Field(description="How steps are labelled.")
    rewards: Rewards = Field(Rewards(), description="Reward models.")
    search: Search = Field(Search(), description="Test-time search.")
    analysis: Analysis = Field(Analysis(), description="Figures, intervals and tests.")
    claims: Claims = Field(Claims(), description="Rules of the verdicts.")
    style: Style = Field(Style(), description="How figures look.")
    cluster: Cluster = Field(Cluster(), description="What jobs can count on in a cluster.")
    cost: Cost = Field(Cost(), description="Expected sizes of solutions, for the projected cost.")

    @cached_property
    def sampling(self) -> Sampling:
        """How policies are sampled, by the engine that is used."""
        usual = self.policies.sampling
        pays = self.device == "cuda" and self.policies.released
        by_default = "vllm" if pays else "transformers"
        return usual.model_copy(update={"engine": usual.engine or by_default})

    def dataset(self, name: str) -> Dataset:
        """The data set of this name."""
        return next(d for d in self.datasets if d.name == name)

    def original(self, name: str) -> Dataset:
        """The data set that a data set's problems and solutions are of: itself, unless it splits
        those of another.
        """
        dataset = self.dataset(name)
        return self.dataset(dataset.solutions_of) if dataset.solutions_of else dataset

    def tests(self, reward_model: str | None = None) -> list[tuple[Evaluation, str]]:
        """Every evaluation with each of its data sets; with `reward_model`, those in which it
        chooses.
        """
        found = []
        for evaluation in self.search.evaluations:
            if reward_model is None or reward_model in self._choosers(evaluation):
                found += [(evaluation, name) for name in evaluation.datasets]
        return found

    def name_samples(self, evaluation: Evaluation) -> str:
        """The name of an evaluation's samples in files and in the column `policy`."""
        return "+".join(evaluation.policies) + self._mark_sampling(evaluation)

    def name_parts(self, evaluation: Evaluation) -> list[str]:
        """The name of the samples that each policy of an evaluation writes; of one policy, the name
        of the evaluation's samples.
        """
        mark = self._mark_sampling(evaluation)
        return [policy + mark for policy in evaluation.policies]

    def _mark_sampling(self, evaluation: Evaluation) -> str:
        """What tells samples from those of `policies.sampling`; empty if nothing does."""
        usual = self.sampling
        pairs = [
            ("t", evaluation.temperature, usual.temperature),
            ("p", evaluation.top_p, usual.top_p),
        ]
        marks = [f"{letter}={own:g}" for letter, own, other in pairs if own not in (None, other)]
        return f"@{','.join(marks)}" if marks else ""

    def find_writer(self, name: str) -> tuple[str, Sampling]:
        """The policy that writes the samples of this name, and how it is sampled. A policy's own
        name stands for it as `policies.sampling` says.
        """
        return self._writers.get(name, (name, self.sampling))

    @cached_property
    def _writers(self) -> dict[str, tuple[str, Sampling]]:
        """The writer of the samples of every evaluation, by their name."""
        found: dict[str, tuple[str, Sampling]] = {}
        for evaluation in self.search.evaluations:
            how = evaluation.adapt(self.sampling)
            for policy, part in zip(evaluation.policies, self.name_parts(evaluation), strict=True):
                found.setdefault(part, (policy, how))
        return found

    def _choosers(self, evaluation: Evaluation) -> list[str]:
        """The reward models that choose among an evaluation's solutions."""
        if evaluation.reward_models == "roles":
            with_role = [model.name for model in self._reward_models() if model.role]
            return with_role or self.reward_model_names()
        if evaluation.reward_models is None:
            return self.reward_model_names()
        return evaluation.reward_models

    def models_by_role(self) -> dict[PairedDomain, tuple[str, list[str]]]:
        """By domain, the reward model with that role, and the data sets on which the first policy
        under test is evaluated; empty unless both domains have both. Figure 6 and table 2 compare
        them.
        """
        first = self.search.evaluations[:1]
        names = [self.name_samples(evaluation) for evaluation in first]
        tests = [name for e, name in self.tests() if self.name_samples(e) in names]
        found: dict[PairedDomain, tuple[str, list[str]]] = {}
        for domain in get_args(PairedDomain):
            names = [m.name for m in self._reward_models() if m.role == domain]
            datasets = [name for name in tests if DOMAINS[self.dataset(name).source] == domain]
            if names and datasets:
                found[domain] = names[0], datasets
        return found if len(found) == len(get_args(PairedDomain)) else {}

    def corpus(self, name: str) -> Corpus:
        """The corpus of this name."""
        return next(c for c in self.corpora if c.name == name)

    def ladder_model(self, name: str) -> LadderModel | None:
        """The ladder model that NAME, NAME@PERCENT or samples of it refer to; None for other
        models.
        """
        model = self.find_writer(name)[0].split("@")[0]
        return next((m for m in self.policies.pretraining.ladder if m.name == model), None)

    def released_policy(self, name: str) -> ReleasedPolicy | None:
        """The released policy of this name, or that writes samples of it; None for other models."""
        model = self.find_writer(name)[0]
        return next((m for m in self.policies.released if m.name == model), None)

    def recorded_policy(self, name: str) -> RecordedPolicy | None:
        """The policy of this name whose solutions are in a file; None for other policies."""
        return next((m for m in self.policies.recorded if m.name == name), None)

    def reward_model(self, name: str) -> RewardModel:
        """The trained reward model of this name."""
        return next(m for m in self.rewards.models if m.name == name)

    def reward_model_names(self) -> list[str]:
        """The names of all reward models: the trained, the released, the verifiers."""
        names = [model.name for model in self._reward_models()]
        return names + [verifier.name for verifier in self.rewards.verifiers]

    def _reward_models(self) -> list[RewardModel | ReleasedRewardModel]:
        return [*self.rewards.models, *self.rewards.released]

    def is_trained(self, name: str) -> bool:
        """Whether the reward model of this name is trained here."""
        return any(m.name == name for m in self.rewards.models)

    def verifier(self, name: str) -> Verifier | None:
        """The verifier of this name; None for other reward models."""
        return next((m for m in self.rewards.verifiers if m.name == name), None)

    def released_reward_model(self, name: str) -> ReleasedRewardModel | None:
        """The released reward model of this name; None for other models."""
        return next((m for m in self.rewards.released if m.name == name), None)

    def training_set(self, name: str) -> TrainingSet:
        """The training set of this name."""
        return next(d for d in self.rewards.data if d.name == name)

    def writers(self, data: TrainingSet) -> list[str]:
        """The policies that write the solutions of a training set."""
        return data.policies or [self.labels.policy]

    def all_label_tables(self) -> list[tuple[str, str, LabelMethod]]:
        """(policy, data set, method) of every table of labels that a reward model is trained on,
        without repetition.
        """
        used = {model.data for model in self.rewards.models}
        tables: list[tuple[str, str, LabelMethod]] = []
        for data in self.rewards.data:
            if data.name in used:
                pairs = product(self.writers(data), data.datasets)
                tables += [(policy, dataset, data.labels) for policy, dataset in pairs]
        return list(dict.fromkeys(tables))

    def label_comparison_datasets(self) -> list[str]:
        """The data sets on which label methods are compared: the labelled ones that are generated,
        because their truth is known; empty if no methods are compared.
        """
        if not self.labels.compare.methods:
            return []
        datasets = dict.fromkeys(dataset for _, dataset, _ in self.all_label_tables())
        return [name for name in datasets if self.dataset(name).source in GENERATED]

    def reward_training(self, name: str) -> RewardTraining:
        """How a reward model is trained: rewards.training, updated with the model's own keys."""
        training = self.reward_model(name).training
        changes = training.model_dump(include=training.model_fields_set) if training else {}
        return RewardTraining.model_validate({**self.rewards.training.model_dump(), **changes})


def schema() -> str:
    """The JSON schema of the configuration, as the text of its file."""
    return json.dumps({"title": "prmscale study", **Study.model_json_schema()}, indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema())
