"""Labels of the steps of the labelling solutions: Monte-Carlo rollouts, or the truth where it is known."""


rule label_solutions:
    input:
        problems=result("problems/{dataset}.parquet"),
        solutions=result(f"solutions/{STUDY.labels.policy}/{{dataset}}.labelling.parquet"),
        policy=labelling_policy,
    output:
        labels=result("labels/{dataset}.{method}.parquet"),
    log:
        result("logs/label_solutions/{dataset}.{method}.log"),
    benchmark:
        result("benchmarks/label_solutions/{dataset}.{method}.tsv")
    priority: 30
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, labelling_needs),
        gpu=gpus(labelling_needs),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        method=lambda wildcards: wildcards.method,
        policy=STUDY.labels.policy,
        folder=policy_folder(STUDY.labels.policy),
        prompting=prompting(STUDY.labels.policy),
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.rollouts,
        shards=STUDY.labels.shards,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/label_solutions.py"
