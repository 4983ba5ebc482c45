"""Training of the reward models."""


def training_files(wildcards, pattern):
    """One file for each data set that a reward model is trained on."""
    data = STUDY.training_set(STUDY.reward_model(wildcards.reward_model).data)
    return expand(
        result(pattern), dataset=data.datasets, method=data.labels, policy=STUDY.labels.policy
    )


def base(wildcards):
    """The base of a reward model."""
    return STUDY.reward_model(wildcards.reward_model).base


def train_on(wildcards):
    """The domains a reward model is trained on: math, code or both."""
    data = STUDY.training_set(STUDY.reward_model(wildcards.reward_model).data)
    domains = {study_module.DOMAINS[STUDY.dataset(name).source] for name in data.datasets}
    return domains.pop() if len(domains) == 1 else "both"


rule train_reward_model:
    input:
        problems=lambda wildcards: training_files(wildcards, "problems/{dataset}.parquet"),
        solutions=lambda wildcards: training_files(wildcards, "solutions/{policy}/{dataset}.labelling.parquet"),
        labels=lambda wildcards: training_files(wildcards, "labels/{dataset}.{method}.parquet"),
        base=lambda wildcards: policy_files(base(wildcards)),
    output:
        folder=directory(result("rewards/{reward_model}")),
    log:
        result("logs/train_reward_model/{reward_model}.log"),
    benchmark:
        result("benchmarks/train_reward_model/{reward_model}.tsv")
    params:
        model=lambda wildcards: wildcards.reward_model,
        base=base,
        base_folder=lambda wildcards: policy_folder(base(wildcards)),
        revision=lambda wildcards: revision(base(wildcards)),
        training=lambda wildcards: as_data(STUDY.reward_training(wildcards.reward_model)),
        data=lambda wildcards: as_data(STUDY.training_set(STUDY.reward_model(wildcards.reward_model).data)),
        train_on=train_on,
        role=lambda wildcards: STUDY.reward_model(wildcards.reward_model).role,
        device=STUDY.device,
        seed=STUDY.seed,
    threads: STUDY.threads
    priority: 10
    resources:
        mem_mb=3000,
        runtime=480,
        gpu=gpu(),
    script:
        "../scripts/train_reward_model.py"
