"""Policies: pre-training of the ladder, conversion of released models, and sampling of solutions."""


rule pretrain_policy:
    input:
        corpus=result("problems/corpus.parquet"),
        tokenizer=result("policies/tokenizer"),
    output:
        [
            directory(PATHS.policy_folder(f"{{model}}@{percent}", "{replicate}"))
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
        **for_models(3000, lambda wildcards: NEEDS.pretrain()),
    params:
        model=lambda wildcards: as_data(STUDY.ladder_model(wildcards.model)),
        replicate=lambda wildcards: int(wildcards.replicate),
        # a pre-training depends neither on other sizes nor on the number of replicates
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
            # its weights depend neither on its GPUs nor on its expected cost
            model=lambda wildcards: STUDY.released_policy(wildcards.model).model_dump(
                mode="json", exclude={"gpus", "config", "solution_tokens"}
            ),
        script:
            "../scripts/convert_policy.py"


if RECORDED:

    ruleorder: import_solutions > sample_solutions

    rule import_solutions:
        input:
            problems=PATHS.problems("{dataset}"),
            recorded=lambda wildcards: os.path.expanduser(recorded(wildcards).path),
        output:
            solutions=PATHS.solutions("{policy}", "{dataset}", "search"),
            speed=PATHS.speed("{policy}", "{dataset}", "search"),
        log:
            result("logs/import_solutions/{policy}.{dataset}.log"),
        benchmark:
            result("benchmarks/import_solutions/{policy}.{dataset}.tsv")
        wildcard_constraints:
            policy=any_of(RECORDED),
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=main_memory(4000),
        params:
            dataset=dataset_data,
            plugins=lambda wildcards: USES.grade(wildcards.dataset),
            samples=lambda wildcards: PLAN.samples(
                wildcards.policy, wildcards.dataset, "search"
            ).samples,
            policy=lambda wildcards: as_data(recorded(wildcards)),
            steps=lambda wildcards: STUDY.dataset(wildcards.dataset).step_rule() or "line",
            world=as_data(STUDY.world),
            execution=as_data(STUDY.code_execution),
        script:
            "../scripts/import_solutions.py"


rule sample_solutions:
    input:
        problems=PATHS.problems("{dataset}"),
        policy=lambda wildcards: PATHS.policy_files(wildcards.policy),
    output:
        solutions=PATHS.solutions("{policy}", "{dataset}", "{purpose}"),
        speed=PATHS.speed("{policy}", "{dataset}", "{purpose}"),
    log:
        result("logs/sample_solutions/{policy}.{dataset}.{purpose}.log"),
    benchmark:
        result("benchmarks/sample_solutions/{policy}.{dataset}.{purpose}.tsv")
    wildcard_constraints:
        dataset=any_of(name for name in name_all(STUDY.datasets) if name not in RESPLIT),
        policy="[^+/]+",
    priority: 20
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        **for_models(3000, lambda wildcards: NEEDS.sample(wildcards.policy)),
    params:
        dataset=dataset_data,
        plugins=lambda wildcards: USES.grade(wildcards.dataset),
        splits=lambda wildcards: samples(wildcards).splits,
        samples=lambda wildcards: samples(wildcards).samples,
        policy=lambda wildcards: wildcards.policy,
        weights=policy_weights,
        prompting=prompting,
        sampling=sampling,
        world=as_data(STUDY.world),
        most_wrong_sums=STUDY.policies.pretraining.most_wrong_sums,
        execution=as_data(STUDY.code_execution),
        shards=STUDY.labels.shards,
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/sample_solutions.py"


if RESPLIT and RECORDED:  # the solutions of a file are split where they are read

    ruleorder: import_solutions > split_solutions_again


if RESPLIT:

    rule split_solutions_again:
        input:
            solutions=lambda wildcards: PATHS.solutions(
                wildcards.policy, STUDY.original(wildcards.dataset).name, wildcards.purpose
            ),
            speed=lambda wildcards: PATHS.speed(
                wildcards.policy, STUDY.original(wildcards.dataset).name, wildcards.purpose
            ),
        output:
            solutions=PATHS.solutions("{policy}", "{dataset}", "{purpose}"),
            speed=PATHS.speed("{policy}", "{dataset}", "{purpose}"),
        log:
            result("logs/split_solutions_again/{policy}.{dataset}.{purpose}.log"),
        benchmark:
            result("benchmarks/split_solutions_again/{policy}.{dataset}.{purpose}.tsv")
        wildcard_constraints:
            dataset=any_of(RESPLIT),
            policy="[^+/]+",
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=main_memory(4000),
        params:
            rule=lambda wildcards: PLAN.step_rule(wildcards.policy, wildcards.dataset),
        script:
            "../scripts/split_solutions_again.py"


rule mix_solutions:
    input:
        solutions=lambda wildcards: mixed_files(PATHS.solutions, wildcards),
        speeds=lambda wildcards: mixed_files(PATHS.speed, wildcards),
    output:
        solutions=PATHS.solutions("{policy}", "{dataset}", "search"),
        speed=PATHS.speed("{policy}", "{dataset}", "search"),
    log:
        result("logs/mix_solutions/{policy}.{dataset}.log"),
    benchmark:
        result("benchmarks/mix_solutions/{policy}.{dataset}.tsv")
    wildcard_constraints:
        policy=any_of(STUDY.name_samples(evaluation) for evaluation, _ in list_mixtures(STUDY)),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(3000),
    params:
        policies=lambda wildcards: STUDY.name_parts(evaluation(wildcards)),
        samples=lambda wildcards: evaluation(wildcards).samples,
    script:
        "../scripts/mix_solutions.py"
