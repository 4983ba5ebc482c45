"""Shared by all rules: the study, its paths, and which file a name of the configuration stands for."""

from pathlib import Path
from typing import get_args

from prmscale import configuration, jobs, study as study_module
from prmscale.engines import memory
from prmscale.errors import UserError
from prmscale.search import STRATEGIES


def load_study():
    """The study of this run; a fault in the configuration ends it before any job starts."""
    files = [*dict.fromkeys(["config.yaml", *map(str, workflow.overwrite_configfiles)])]
    try:
        return configuration.load(config, files)
    except UserError as error:
        raise WorkflowError(str(error)) from None


STUDY = load_study()


def result(path):
    """A path below the results of this study."""
    return f"results/{STUDY.study}/{path}"


def as_data(block):
    """A block of the configuration as plain data: what the jobs that depend on it list in their params."""
    return block.model_dump(mode="json")


def policy_folder(name, replicate=1):
    """The Hugging Face folder or hub name of a policy or base; of the ladder, that of pre-training `replicate`."""
    model, _, percent = name.partition("@")
    if STUDY.ladder_model(name):
        return result(f"policies/{model}/replicate{replicate}/{percent or 100}")
    return (
        result(f"policies/{model}/converted")
        if STUDY.released(name).gguf_file
        else STUDY.released(name).model
    )


def made_here(folders):
    """Those of these folders that the pipeline makes: a model that is released as it is, is no input of a rule."""
    return [folder for folder in folders if folder.startswith(result("policies/"))]


def policy_files(name):
    """The files of the pipeline that a policy needs."""
    return made_here([policy_folder(name)])


def base_folders(name):
    """Every pre-training of a base: as many as the configuration wants of the ladder, one of a released model."""
    replicates = STUDY.policies.pretraining.seeds if STUDY.ladder_model(name) else 1
    return [policy_folder(name, replicate) for replicate in range(1, 1 + replicates)]


def training_bases(wildcards):
    """The base of each training of a reward model: training r starts from pre-training r, around if there are fewer."""
    folders = base_folders(base(wildcards))
    return [folders[r % len(folders)] for r in range(STUDY.rewards.training.seeds)]


def prompting(name, dataset):
    """How a policy is asked for solutions of a data set."""
    released, problems = STUDY.released(name), STUDY.dataset(dataset)
    asked = released.prompting if released else study_module.Prompting()
    domain = study_module.DOMAINS[problems.source]
    return as_data(
        asked.model_copy(
            update={"steps": {domain: problems.step_rule() or asked.step_rule(domain)}}
        )
    )


def revision(name):
    """Branch, tag or commit of a released model."""
    released = STUDY.released(name)
    return released.revision if released else None


def policy_weights(name):
    """The weights of a policy: their folder or hub name, number format and revision."""
    released = STUDY.released(name)
    return {
        "folder": policy_folder(name),
        "dtype": released.dtype if released else "float32",
        "revision": revision(name),
    }


def reference_execution(dataset):
    """How the reference solutions of a published set of problems are run; generated problems need none."""
    generated = STUDY.dataset(dataset).source in study_module.GENERATED
    return {} if generated else as_data(STUDY.code_execution)


def evaluation(policy, dataset):
    """The evaluation of a policy on a data set."""
    return next(e for e in STUDY.search.evaluations if e.policy == policy and dataset in e.datasets)


def base_size(name):
    """The size of a base, without the head that a reward model adds; None of the ladder, whose models are tiny."""
    released = STUDY.released(name)
    if released is None:
        return None
    return memory.read_size(policy_folder(name), revision(name)) or memory.size(
        released.config or {}
    )


def to_sample(policy):
    """What sampling from a policy takes."""
    released, sampling = STUDY.released(policy), STUDY.policies.sampling
    if released is None:
        return memory.Need()
    return memory.generating(
        base_size(policy),
        released.dtype,
        sampling.batch,
        sampling.max_tokens,
        released.gpus,
    )


def to_score(reward_model, copies=1):
    """What scoring with so many trainings of a reward model at once takes."""
    released = STUDY.released_reward_model(reward_model)
    if released:
        size = memory.read_size(released.model, released.revision)
        return memory.reading(size, gpus=released.gpus, dtype=released.dtype)
    model = STUDY.reward_model(reward_model)
    cache = memory.READ_TOGETHER if STUDY.search.engine == "vllm" else 0
    return memory.reading(base_size(model.base), copies, model.gpus, tokens=cache)


def pretraining_needs(wildcards):
    """What pre-training takes: the models of the ladder are tiny."""
    return [memory.Need()]


def sampling_needs(wildcards):
    """What sampling solutions takes."""
    return [to_sample(wildcards.policy)]


def training_needs(wildcards):
    """What training a reward model takes, one seed after the other."""
    model = STUDY.reward_model(wildcards.reward_model)
    training = STUDY.reward_training(model.name)
    return [
        memory.training(
            base_size(model.base), training.optimizer, model.gpus, training.lora is not None
        )
    ]


def ranking_needs(wildcards):
    """What reading with a base takes."""
    released = STUDY.released(wildcards.base)
    return [memory.reading(base_size(wildcards.base), gpus=released.gpus if released else None)]


def to_label(policy, *methods):
    """What labelling a policy's solutions by these methods takes: all that roll out at once."""
    return [to_sample(name) for name in labellers(policy, *methods)]


def search_needs(wildcards):
    """What choosing among samples takes."""
    name = wildcards.reward_model
    if name == "without":
        return []
    # one checkpoint after the other; but vLLM frees no model before its process ends
    kept = SCORING == "vllm" and name in TRAINED
    return [
        to_score(
            name,
            (
                len(trained_folders(name)) * len(STUDY.reward_training(name).checkpoints)
                if kept
                else 1
            ),
        )
    ]


def tree_needs(wildcards):
    """What searching step by step takes: the policy, and every training of the reward model."""
    return [
        to_sample(wildcards.policy),
        to_score(wildcards.reward_model, copies=len(reward_folders([wildcards.reward_model]))),
    ]


def gpus(needs=lambda wildcards: []):
    """GPUs that a job asks for to run these models: none on CPUs, or if it runs no model."""

    def count(wildcards):
        models = needs(wildcards)
        return (
            memory.gpus(models, STUDY.cluster.gpu_memory_gb)
            if models and STUDY.device == "cuda"
            else 0
        )

    return count


def main_memory(mb, needs=lambda wildcards: []):
    """Memory that a job asks for: `mb` and room for these models, whose weights pass through it on the way to a GPU;
    as much again at each further attempt.
    """

    def count(wildcards, attempt):
        models = needs(wildcards)
        gigabytes = sum(need.weights if STUDY.device == "cuda" else need.total for need in models)
        return attempt * (mb + int(1000 * gigabytes))

    return count


def samples_of(wildcards):
    """Splits to solve and solutions a problem."""
    if wildcards.purpose == "labelling":
        return ["train", "validation"], STUDY.labels.solutions
    return ["test"], evaluation(wildcards.policy, wildcards.dataset).samples


def labellers(policy, *methods):
    """The policies whose rollouts label a policy's solutions by these methods: its own, or those that must agree; truth
    needs none.
    """
    named = {"oracle": [], "consensus": STUDY.labels.consensus}
    return list(dict.fromkeys(name for m in methods for name in named.get(m, [policy])))


def labelling_policies(policy, *methods):
    """The files that the labellers by these methods need."""
    return [file for name in labellers(policy, *methods) for file in policy_files(name)]


def labelling_models(policy, dataset, *methods):
    """For each method its labellers of a data set, each with its folder and how it is asked."""
    names = {method: labellers(policy, method) for method in methods}
    return {
        m: {name: (policy_weights(name), prompting(name, dataset)) for name in own}
        for m, own in names.items()
    }


def labelled_solutions(policy, dataset, method):
    """The solutions that a method labels: those sampled for it, or the rollouts of its own trees."""
    return result(
        f"solutions/{policy}/{dataset}.{'omega' if method == 'omega' else 'labelling'}.parquet"
    )


def label_table(policy, dataset, method):
    """The labels of a policy's solutions by a method."""
    return result(f"labels/{policy}/{dataset}.{method}.parquet")


def searched_by(labeller, policy, dataset, kind="parquet"):
    """The labels of a policy's solutions by the binary search of a labeller: what a consensus is asked of. The writer's
    own are those of the method `binary_search`.
    """
    by = "binary_search" if labeller == policy else f"by.{labeller}"
    return result(f"labels/{policy}/{dataset}.{by}.{kind}")


def spending_table(policy, dataset, method):
    """What those labels took, and what gave none."""
    return result(f"labels/{policy}/{dataset}.{method}.spent.parquet")


def decisions(*methods):
    """The rule of each of these methods that has a choice; a consensus is of binary searches."""
    named = ["binary_search" if method == "consensus" else method for method in methods]
    return {name: own for name, own in as_data(STUDY.labels.decision).items() if name in named}


def training_files(wildcards, kind, path):
    """The tables of a kind that a reward model learns from: `path(policy, dataset, method)` of each data set by each
    policy, and of each corpus.
    """
    data = STUDY.training_set(STUDY.reward_model(wildcards.reward_model).data)
    made = [
        path(policy, dataset, data.labels)
        for dataset in data.datasets
        for policy in STUDY.writers(data)
    ]
    return list(dict.fromkeys(made)) + expand(
        result(f"corpora/{{corpus}}/{kind}.parquet"), corpus=data.corpora
    )


def base(wildcards):
    """The base of a reward model."""
    return STUDY.reward_model(wildcards.reward_model).base


def train_on(wildcards):
    """The domains a reward model is trained on: math, code or both."""
    data = STUDY.training_set(STUDY.reward_model(wildcards.reward_model).data)
    domains = {study_module.DOMAINS[STUDY.dataset(name).source] for name in data.datasets}
    domains |= {STUDY.corpus(name).domain for name in data.corpora}
    return domains.pop() if len(domains) == 1 else "both"


def plan(policy, dataset):
    """One test, with the configuration it depends on."""
    return {
        "policy": policy,
        "dataset": as_data(STUDY.dataset(dataset)),
        "problems": result(f"problems/{dataset}.parquet"),
        "samples": evaluation(policy, dataset).samples,
    }


def plans():
    """What is tested."""
    return [plan(e.policy, dataset) for e, dataset in STUDY.tests()]


def validation_plans():
    """The generated data sets of the first evaluation that have validation problems, as labelled for training."""
    names = [name for e in STUDY.search.evaluations[:1] for name in e.datasets]
    datasets = [
        d for d in map(STUDY.dataset, names) if d.source in study_module.GENERATED and d.validation
    ]
    return [
        {
            "policy": STUDY.labels.policy,
            "dataset": as_data(dataset),
            "problems": result(f"problems/{dataset.name}.parquet"),
            "samples": STUDY.labels.solutions,
        }
        for dataset in datasets
    ]


def tree_searches():
    """The search tables of strategies that go step by step: of the first evaluation, by each reward model named."""
    first = STUDY.search.evaluations[:1]
    return [
        result(f"search/trees/{reward_model}/{e.policy}/{dataset}.parquet")
        for reward_model in STUDY.search.tree.reward_models
        for e in first
        for dataset in e.datasets
    ]


def reported(wildcards):
    """The paper's own numbers, where it gives some for this figure."""
    name = {"fig10": "processbench"}.get(wildcards.figure, wildcards.figure)
    path = f"workflow/reported/{name}.csv"
    return [path] if Path(path).exists() else []


def trained_folders(name):
    """The folders of a reward model, one for each training."""
    return expand(result("rewards/{name}/replicate{seed}"), name=name, seed=REWARD_SEEDS)


def reward_folders(names):
    """The folders of these reward models: one for each training of one, a single one of a released model."""
    return [
        folder
        for name in names
        for folder in trained_folders(name)[: 1 if name in RELEASED else None]
    ]


def environment(*engines):
    """The environment of jobs that run models on these engines."""
    return f"../../envs/{'vllm' if 'vllm' in engines else 'core'}.yaml"


SAMPLING, SCORING = STUDY.policies.sampling.engine, STUDY.search.engine
REWARD_SEEDS = range(1, 1 + STUDY.rewards.training.seeds)
LADDER = [m.name for m in STUDY.policies.pretraining.ladder]
CONVERTED = [m.name for m in STUDY.policies.released if m.gguf_file]
TRAINED = [m.name for m in STUDY.rewards.models]
RELEASED = [m.name for m in STUDY.rewards.released]
REWARD_MODELS = STUDY.reward_model_names()
DATASETS = [d.name for d in STUDY.datasets]
CORPORA = [c.name for c in STUDY.corpora]
TRAINED_ON = [name for name in CORPORA if any(name in data.corpora for data in STUDY.rewards.data)]


wildcard_constraints:
    dataset="|".join(map(re.escape, DATASETS)),
    corpus="|".join(map(re.escape, [*CORPORA, "-"])),
    model="|".join(map(re.escape, [*LADDER, *CONVERTED, "-"])),
    base="|".join(map(re.escape, [*STUDY.search.likelihoods, "-"])),
    replicate="[0-9]+",
    reward_model="|".join(map(re.escape, [*REWARD_MODELS, "without"])),
    method="|".join(get_args(study_module.LabelMethod)),
    purpose="labelling|search",


onstart:
    # before hours of other work; with --sdm conda the jobs' environment is made by then
    if "vllm" in (SAMPLING, SCORING) and not workflow.deployment_settings.deployment_method:
        try:
            jobs.require_vllm()
        except UserError as error:
            raise WorkflowError(str(error)) from None


onsuccess:
    print(f"Results: results/{STUDY.study}/ (figures/, tables/, claims.md)")
