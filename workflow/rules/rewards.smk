"""Reward models: a job runs all trainings of one model; released models are described."""

from prmscale.plan.granularity import name_rules


rule train_reward_model:
    input:
        problems=lambda wildcards: PLAN.training_files(wildcards.reward_model, "problems"),
        solutions=lambda wildcards: PLAN.training_files(wildcards.reward_model, "solutions"),
        labels=lambda wildcards: PLAN.training_files(wildcards.reward_model, "labels"),
        base=lambda wildcards: PATHS.inputs(PATHS.training_bases(wildcards.reward_model)),
    output:
        [directory(folder) for folder in PATHS.trained_folders("{reward_model}")],
    log:
        result("logs/train_reward_model/{reward_model}.log"),
    benchmark:
        result("benchmarks/train_reward_model/{reward_model}.tsv")
    wildcard_constraints:
        reward_model=any_of(name_all(STUDY.rewards.models)),
    priority: 10
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        **for_training(3000, lambda wildcards: NEEDS.train(wildcards.reward_model)),
    params:
        plugins=lambda wildcards: USES.train(wildcards.reward_model),
        model=lambda wildcards: wildcards.reward_model,
        base=base,
        base_folders=lambda wildcards: PATHS.training_bases(wildcards.reward_model),
        revision=lambda wildcards: PLAN.revision(base(wildcards)),
        training=lambda wildcards: as_data(STUDY.reward_training(wildcards.reward_model)),
        data=lambda wildcards: as_data(
            STUDY.training_set(STUDY.reward_model(wildcards.reward_model).data)
        ),
        steps=lambda wildcards: name_rules(PLAN, wildcards.reward_model),
        train_on=lambda wildcards: PLAN.training_domain(wildcards.reward_model),
        role=lambda wildcards: STUDY.reward_model(wildcards.reward_model).role,
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/train_reward_model.py"


rule summarise_training_sets:
    input:
        rewards=PLAN.training_set_cards(),
    output:
        csv=table("training_sets"),
    log:
        result("logs/summarise_training_sets.log"),
    benchmark:
        result("benchmarks/summarise_training_sets.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    script:
        "../scripts/summarise_training_sets.py"


rule describe_released_model:
    output:
        folder=directory(result("rewards/{reward_model}/replicate1")),
    log:
        result("logs/describe_released_model/{reward_model}.log"),
    benchmark:
        result("benchmarks/describe_released_model/{reward_model}.tsv")
    wildcard_constraints:
        reward_model=any_of(name_all(STUDY.rewards.released)),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    params:
        plugins=lambda wildcards: USES.read(wildcards.reward_model),
        # its description does not depend on its GPUs
        released=lambda wildcards: STUDY.released_reward_model(wildcards.reward_model).model_dump(
            mode="json", exclude={"gpus"}
        ),
    script:
        "../scripts/describe_released_model.py"


rule describe_verifier:
    input:
        base=lambda wildcards: PATHS.policy_files(STUDY.verifier(wildcards.reward_model).base),
    output:
        folder=directory(result("rewards/{reward_model}/replicate1")),
    log:
        result("logs/describe_verifier/{reward_model}.log"),
    benchmark:
        result("benchmarks/describe_verifier/{reward_model}.tsv")
    wildcard_constraints:
        reward_model=any_of(VERIFIERS),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    params:
        asked=lambda wildcards: describe_asked(PLAN, wildcards.reward_model),
    script:
        "../scripts/describe_verifier.py"
