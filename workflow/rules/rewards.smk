"""Reward models: one job trains all seeds of one; released ones are described."""

# the first reward model trained on each training set: its card tells what the set holds
FIRST_ON = {m.data: m.name for m in reversed(STUDY.rewards.models)}


rule train_reward_model:
    input:
        problems=lambda wildcards: training_files(
            wildcards,
            "problems",
            lambda policy, dataset, method: result(f"problems/{dataset}.parquet"),
        ),
        solutions=lambda wildcards: training_files(wildcards, "solutions", labelled_solutions),
        labels=lambda wildcards: training_files(wildcards, "labels", label_table),
        base=lambda wildcards: made_here(training_bases(wildcards)),
    output:
        [directory(folder) for folder in trained_folders("{reward_model}")],
    log:
        result("logs/train_reward_model/{reward_model}.log"),
    benchmark:
        result("benchmarks/train_reward_model/{reward_model}.tsv")
    wildcard_constraints:
        reward_model="|".join(map(re.escape, [*TRAINED, "-"])),
    priority: 10
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, training_needs),
        gpu=gpus(training_needs),
    params:
        model=lambda wildcards: wildcards.reward_model,
        base=base,
        base_folders=training_bases,
        revision=lambda wildcards: revision(base(wildcards)),
        training=lambda wildcards: as_data(STUDY.reward_training(wildcards.reward_model)),
        data=lambda wildcards: as_data(
            STUDY.training_set(STUDY.reward_model(wildcards.reward_model).data)
        ),
        train_on=train_on,
        role=lambda wildcards: STUDY.reward_model(wildcards.reward_model).role,
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/train_reward_model.py"


rule summarise_training_sets:
    input:
        rewards=[trained_folders(name)[0] for name in FIRST_ON.values()],
    output:
        csv=result("tables/training_sets.csv"),
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
        reward_model="|".join(map(re.escape, [*RELEASED, "-"])),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    params:
        # on how many GPUs it runs does not matter to what it is
        released=lambda wildcards: STUDY.released_reward_model(wildcards.reward_model).model_dump(
            mode="json", exclude={"gpus"}
        ),
    script:
        "../scripts/describe_released_model.py"
