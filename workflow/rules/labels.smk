"""Labels of the steps of solutions: rollouts, the truth where it is known, or what others have published."""

# every table of labels that a reward model's training set is made of
LABELLED = [
    *dict.fromkeys(
        (dataset, data.labels)
        for data in STUDY.rewards.data
        if any(model.data == data.name for model in STUDY.rewards.models)
        for dataset in data.datasets
    )
]


rule label_solutions:
    input:
        problems=result("problems/{dataset}.parquet"),
        solutions=result(f"solutions/{STUDY.labels.policy}/{{dataset}}.labelling.parquet"),
        policies=labelling_policies,
    output:
        labels=result("labels/{dataset}.{method}.parquet"),
    log:
        result("logs/label_solutions/{dataset}.{method}.log"),
    benchmark:
        result("benchmarks/label_solutions/{dataset}.{method}.tsv")
    priority: 30
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, labelling_needs),
        gpu=gpus(labelling_needs),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        method=lambda wildcards: wildcards.method,
        policy=STUDY.labels.policy,
        labellers=lambda wildcards: {
            name: (policy_folder(name), prompting(name)) for name in labellers(wildcards.method)
        },
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.rollouts,
        # the other methods do not stop early
        decision=lambda wildcards: (
            {} if wildcards.method in ("monte_carlo", "oracle") else as_data(STUDY.labels.decision)
        ),
        shards=STUDY.labels.shards,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/label_solutions.py"


rule summarise_labels:
    input:
        labels=[result(f"labels/{dataset}.{method}.parquet") for dataset, method in LABELLED],
        solutions=[result(f"solutions/{STUDY.labels.policy}/{dataset}.labelling.parquet") for dataset, _ in LABELLED],
    output:
        csv=result("tables/labels.csv"),
    log:
        result("logs/summarise_labels.log"),
    benchmark:
        result("benchmarks/summarise_labels.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    params:
        datasets=[dataset for dataset, _ in LABELLED],
        level=STUDY.analysis.level,
        draws=STUDY.analysis.draws,
        seed=STUDY.seed,
    script:
        "../scripts/summarise_labels.py"


rule import_corpus:
    output:
        problems=result("corpora/{corpus}/problems.parquet"),
        solutions=result("corpora/{corpus}/solutions.parquet"),
        labels=result("corpora/{corpus}/labels.parquet"),
        card=result("corpora/{corpus}/card.json"),
    log:
        result("logs/import_corpus/{corpus}.log"),
    benchmark:
        result("benchmarks/import_corpus/{corpus}.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(8000),
    params:
        corpus=lambda wildcards: as_data(STUDY.corpus(wildcards.corpus)),
        seed=STUDY.seed,
    script:
        "../scripts/import_corpus.py"
