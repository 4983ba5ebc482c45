"""Shared by all rules: the study, its plan, and functions of wildcards."""

import sys
import threading
from pathlib import Path

try:
    import prmscale
    from prmscale import configuration, jobs
    from prmscale.columns.tables import TABLES as CSV_TABLES
    from prmscale.errors import UserError
    from prmscale.plan.evaluations import list_mixtures, list_temperatures
    from prmscale.plan.holdings import Holdings
    from prmscale.plan.labelling import list_label_jobs, list_read
    from prmscale.plan.needs import Needs
    from prmscale.plan.plan import Plan, as_data
    from prmscale.plan.verifying import describe_asked
    from prmscale.plan.uses import Uses
    from prmscale.study import READS, list_names
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"prmscale: the Python that runs snakemake has no package {error.name!r}. `make setup` in "
        "prmscale's folder makes an environment with all of them (.venv); elsewhere, install "
        "envs/core.txt and torch."
    ) from None


def list_config_files():
    """The files of the configuration; each is laid over those before it."""
    laid_over = [*map(str, workflow.overwrite_configfiles)]
    below = [str(file) for file in workflow.configfiles if str(file) not in laid_over]
    return [*below, *laid_over]


def load_study():
    """The study of this run; a fault in the configuration ends the run before any job starts."""
    try:
        return configuration.load(config, list_config_files(), workflow.config_settings.config)
    except UserError as error:
        sys.exit(str(error))  # a WorkflowError would be followed by a traceback into this file


# the package: beside the Snakefile, or installed where Snakemake fetched the workflow from a host
PACKAGE = WORKFLOW / "prmscale"
if not PACKAGE.is_dir():
    PACKAGE = Path(prmscale.__file__).parent
STUDY = load_study()
PLAN = Plan(STUDY)
PATHS = PLAN.paths
NEEDS = Needs(PLAN)
HOLDINGS = Holdings(PLAN)
USES = Uses(PLAN)
result = PATHS.result

SAMPLING, SCORING = STUDY.sampling.engine, STUDY.search.engine
VERIFIERS = [verifier.name for verifier in STUDY.rewards.verifiers]
CONVERTED = [model.name for model in STUDY.policies.released if model.gguf_file]
RECORDED = [policy.name for policy in STUDY.policies.recorded]
# data sets that split the solutions of another into other steps
RESPLIT = [dataset.name for dataset in STUDY.datasets if dataset.solutions_of]
REWARD_MODELS = STUDY.reward_model_names()
LABEL_METHODS = list_names("method")


def environment(*engines):
    """The environment of jobs that run models on these engines."""
    return f"../../envs/{'vllm' if 'vllm' in engines else 'core'}.yaml"


def name_all(blocks):
    """The names of models, data sets or corpora."""
    return [block.name for block in blocks]


def any_of(names):
    """The pattern of a wildcard that must be one of these names; no file is named `-`."""
    return "|".join(map(re.escape, [*names, "-"]))


def main_memory(mb, needs=lambda wildcards: []):
    """Main memory that a job asks for: `mb` beside its models; as much again at each attempt."""
    return lambda wildcards, attempt: attempt * NEEDS.megabytes(mb, needs(wildcards))


def for_models(mb, needs):
    """Resources of a job that runs models: `needs` gives what they need from the wildcards."""
    return {
        "mem_mb": main_memory(mb, needs),
        "gpu": lambda wildcards: NEEDS.gpus(needs(wildcards)),
        "nodes": 1,
    }


def for_training(mb, needs):
    """Resources of a training, which may run on several nodes.

    With `mpi` SLURM's executor starts the job on the first node alone, and the job starts srun. Its
    value is empty, because with another the executor would ask for tasks of its own; without
    tasks, SLURM gives each node one.
    """
    return {
        **for_models(mb, needs),
        "nodes": lambda wildcards: NEEDS.nodes(needs(wildcards)),
        "mpi": lambda wildcards: "" if NEEDS.nodes(needs(wildcards)) > 1 else None,
    }


def samples(wildcards):
    """What a sampling job writes."""
    return PLAN.samples(wildcards.policy, wildcards.dataset, wildcards.purpose)


def recorded(wildcards):
    """The policy whose solutions are in a file."""
    return STUDY.recorded_policy(wildcards.policy)


def evaluation(wildcards):
    """The evaluation of these samples."""
    return PLAN.evaluations[wildcards.policy, wildcards.dataset]


def mixed_files(path, wildcards):
    """The files, each of one policy, of which mixed samples are made."""
    parts = STUDY.name_parts(evaluation(wildcards))
    return [path(name, wildcards.dataset, "search") for name in parts]


def base(wildcards):
    """The base of a reward model."""
    return STUDY.reward_model(wildcards.reward_model).base


def dataset_data(wildcards):
    """The configuration of a data set."""
    return as_data(STUDY.dataset(wildcards.dataset))


def prompting(wildcards):
    """How a policy is asked for solutions of a data set."""
    return PLAN.prompting(wildcards.policy, wildcards.dataset)


def sampling(wildcards):
    """How a policy is sampled."""
    return as_data(STUDY.find_writer(wildcards.policy)[1])


def policy_weights(wildcards):
    """The weights of a policy."""
    return PLAN.weights(wildcards.policy)


def scoring_engine(wildcards):
    """The engine of a reward model: that of policies for a verifier, which writes thoughts."""
    return SAMPLING if wildcards.reward_model in VERIFIERS else SCORING


def reward_folders(wildcards):
    """The folder of each training of a reward model."""
    return PATHS.reward_folders(wildcards.reward_model)


CONTENTS = {file.name: file.content for file in CSV_TABLES}


def table(name):
    """A table of the study, as the report shows it."""
    return report(
        result(f"tables/{name}.csv"),
        caption="../report/table.rst",
        category="Tables",
        labels={"table": name, "content": CONTENTS[name]},
    )


def name_share(path, jobs):
    """The name of a job's share of a file that several jobs make; one job makes the file itself."""
    stem, _, kind = path.rpartition(".")
    return path if jobs == 1 else f"{stem}.{{share}}.{kind}"


def share(path, jobs):
    """An output that is a job's share of a table, and that is not kept."""
    return path if jobs == 1 else temp(name_share(path, jobs))


def all_shares(path, jobs):
    """The shares of a table by each job, in order."""
    names = [f"{number}of{jobs}" for number in range(1, jobs + 1)]
    return [name_share(path, jobs).replace("{share}", name) for name in names]


# params that all rules share that label by rollouts
LABELLING = {
    "dataset": dataset_data,
    "sampling": as_data(STUDY.sampling),
    "world": as_data(STUDY.world),
    "execution": as_data(STUDY.code_execution),
    "device": STUDY.device,
    "seed": STUDY.seed,
}


def read_by(wildcards):
    """What a reading reads."""
    return list_read(PLAN, wildcards.policy, wildcards.dataset, wildcards.method)


def of_another(method):
    """The params of labels by a labeller that is not the writer."""
    return {
        **LABELLING,
        "plugins": lambda wildcards: USES.label(wildcards.dataset),
        "policy": lambda wildcards: wildcards.policy,
        "labellers": lambda wildcards: PLAN.labelling_models(
            wildcards.labeller, wildcards.dataset, method
        ),
        "rollouts": STUDY.labels.rollouts,
        "decisions": PLAN.decisions(method),
        "shards": STUDY.labels.shards,
    }


wildcard_constraints:
    dataset=any_of(name_all(STUDY.datasets)),
    corpus=any_of(name_all(STUDY.corpora)),
    model=any_of([*name_all(STUDY.policies.pretraining.ladder), *CONVERTED]),
    base=any_of(STUDY.search.likelihoods),
    replicate="[0-9]+",
    reward_model=any_of(REWARD_MODELS),
    method="|".join(LABEL_METHODS),
    purpose="labelling|search",
    share="[0-9]+of[0-9]+",


def engines_in_use():
    """The engines of the study's jobs."""
    samples = PLAN.all_samples() or VERIFIERS or STUDY.search.tree.reward_models
    return {SCORING, *([SAMPLING] if samples else [])}


def require_sources():
    """Raise UserError if a job would not find a model or data that the configuration names."""
    from prmscale.fetch import check, needed
    from prmscale.progress import follow

    running, files = follow.list_jobs(workflow), list_config_files()
    if follow.runs_models(running):
        check.check_before_run(STUDY, files, needed.Model)
    if {job.rule.name for job in running} & {"build_problems", "import_corpus"}:
        check.check_before_run(STUDY, files, needed.Data)


onstart:
    # what is missing is reported before hours of other work; with --sdm conda vLLM is there
    try:
        if "vllm" in engines_in_use() and not workflow.deployment_settings.deployment_method:
            jobs.require_vllm()
        require_sources()
        from prmscale.progress import clock, follow  # here, as each job reads this file too

        later = clock.forget_future(Path(result("")))
        follow.follow(workflow, STUDY, Path(result("")))
    except UserError as error:
        raise WorkflowError(str(error)) from None
    if later:
        workflow.logger_manager.logger.warning(
            f"The clock was set back: {later} of the files in {result('')} seem to be made later "
            "than now. They count as made now."
        )


def end_run(succeeded):
    """Tell how the run ended. Cancel the timers after which Snakemake would look for jobs anew: its
    process ends after the last of them alone, up to a minute late.
    """
    from prmscale.progress import follow

    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()
    follow.finish(workflow, succeeded)


onsuccess:
    end_run(succeeded=True)


onerror:
    end_run(succeeded=False)
