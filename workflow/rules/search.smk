"""Search: every strategy over every policy and test set, one job a reward model and one for all that need none."""


rule search:
    input:
        problems=[result(f"problems/{dataset}.parquet") for dataset in dict.fromkeys(d for _, d, _ in evaluated())],
        solutions=[result(f"solutions/{policy}/{dataset}.search.parquet") for policy, dataset, _ in evaluated()],
        speeds=[result(f"solutions/{policy}/{dataset}.search.speed.json") for policy, dataset, _ in evaluated()],
        reward_model=branch(
            lambda wildcards: wildcards.reward_model == "without",
            then=[],
            otherwise=result("rewards/{reward_model}"),
        ),
    output:
        search=result("search/{reward_model}.parquet"),
    log:
        result("logs/search/{reward_model}.log"),
    benchmark:
        result("benchmarks/search/{reward_model}.tsv")
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=4000,
        runtime=480,
        gpu=lambda wildcards: gpu() if wildcards.reward_model != "without" else 0,
    params:
        plans=plans(),
        reward_model=lambda wildcards: ("" if wildcards.reward_model == "without" else wildcards.reward_model),
        strategies=lambda wildcards: [
            name
            for name in STUDY.search.strategies
            if STRATEGIES[name].scored == (wildcards.reward_model != "without")
        ],
        aggregations=STUDY.search.aggregations,
        budgets=STUDY.search.budgets,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/search.py"
