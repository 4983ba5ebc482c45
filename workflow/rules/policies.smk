"""Policies: the ladder pre-trained here, released models converted where needed, and solutions sampled from them."""


rule pretrain_policy:
    input:
        corpus=result("problems/corpus.parquet"),
        tokenizer=result("policies/tokenizer"),
    output:
        [
            directory(result(f"policies/{{model}}/replicate{{replicate}}/{percent}"))
            for percent in STUDY.policies.pretraining.checkpoints
        ],
    log:
        result("logs/pretrain_policy/{model}.{replicate}.log"),
    benchmark:
        result("benchmarks/pretrain_policy/{model}.{replicate}.tsv")
    priority: 40
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, pretraining_needs),
        gpu=gpus(pretraining_needs),
    params:
        model=lambda wildcards: as_data(STUDY.ladder_model(wildcards.model)),
        replicate=lambda wildcards: int(wildcards.replicate),
        # neither other sizes nor the number of repetitions matter to this one
        pretraining=as_data(
            STUDY.policies.pretraining.model_copy(update={"ladder": [], "seeds": 1})
        ),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/pretrain_policy.py"


if CONVERTED:

    rule convert_policy:
        output:
            folder=directory(result("policies/{model}/converted")),
        log:
            result("logs/convert_policy/{model}.log"),
        benchmark:
            result("benchmarks/convert_policy/{model}.tsv")
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=main_memory(8000),
            runtime=60,
        params:
            # on how many GPUs it runs and what it is expected to cost does not matter to its weights
            model=lambda wildcards: STUDY.released(wildcards.model).model_dump(
                mode="json", exclude={"gpus", "config", "solution_tokens"}
            ),
        script:
            "../scripts/convert_policy.py"


rule sample_solutions:
    input:
        problems=result("problems/{dataset}.parquet"),
        policy=lambda wildcards: policy_files(wildcards.policy),
    output:
        solutions=result("solutions/{policy}/{dataset}.{purpose}.parquet"),
        speed=result("solutions/{policy}/{dataset}.{purpose}.speed.json"),
    log:
        result("logs/sample_solutions/{policy}.{dataset}.{purpose}.log"),
    benchmark:
        result("benchmarks/sample_solutions/{policy}.{dataset}.{purpose}.tsv")
    priority: 20
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, sampling_needs),
        gpu=gpus(sampling_needs),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        splits=lambda wildcards: samples_of(wildcards)[0],
        samples=lambda wildcards: samples_of(wildcards)[1],
        policy=lambda wildcards: wildcards.policy,
        weights=lambda wildcards: policy_weights(wildcards.policy),
        prompting=lambda wildcards: prompting(wildcards.policy, wildcards.dataset),
        sampling=as_data(STUDY.policies.sampling),
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        shards=STUDY.labels.shards,
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/sample_solutions.py"
