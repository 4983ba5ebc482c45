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
# of generated problems the truth of steps is known
WITH_TRUTH = [(d, m) for d, m in LABELLED if STUDY.dataset(d).source in study_module.GENERATED]
LABELS_COMPARED_ON = [*dict.fromkeys(d for d, _ in WITH_TRUTH)] if STUDY.labels.compare.methods else []
# what figure 9 shows: the comparison, or else what reward models are trained on
JUDGED_LABELS = (
    expand(result("labels/{dataset}.compare.parquet"), dataset=LABELS_COMPARED_ON)
    if LABELS_COMPARED_ON
    else [result(f"labels/{dataset}.{method}.parquet") for dataset, method in WITH_TRUTH if method != "oracle"]
)
# figure 9 is left out where no step's truth is known
FIGURES = [name for name in STUDY.analysis.figures if name != "fig9" or JUDGED_LABELS]


rule label_solutions:
    input:
        problems=result("problems/{dataset}.parquet"),
        solutions=result(f"solutions/{STUDY.labels.policy}/{{dataset}}.labelling.parquet"),
        policies=lambda wildcards: labelling_policies(wildcards.method),
    output:
        labels=result("labels/{dataset}.{method}.parquet"),
    log:
        result("logs/label_solutions/{dataset}.{method}.log"),
    benchmark:
        result("benchmarks/label_solutions/{dataset}.{method}.tsv")
    wildcard_constraints:
        method="|".join(m for m in get_args(study_module.LabelMethod) if m != "omega"),
    priority: 30
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, lambda wildcards: to_label(wildcards.method)),
        gpu=gpus(lambda wildcards: to_label(wildcards.method)),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        policy=STUDY.labels.policy,
        labellers=lambda wildcards: labelling_models(wildcards.method),
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


rule label_by_tree:
    input:
        problems=result("problems/{dataset}.parquet"),
        policies=labelling_policies("omega"),
    output:
        labels=result("labels/{dataset}.omega.parquet"),
        solutions=labelled_solutions("{dataset}", "omega"),
    log:
        result("logs/label_by_tree/{dataset}.log"),
    benchmark:
        result("benchmarks/label_by_tree/{dataset}.tsv")
    priority: 30
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, lambda wildcards: to_label("omega")),
        gpu=gpus(lambda wildcards: to_label("omega")),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        splits=["train", "validation"],
        policy=STUDY.labels.policy,
        labellers=labelling_models("omega"),
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.rollouts,
        decision={},
        tree=as_data(STUDY.labels.omega),
        shards=STUDY.labels.shards,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/label_by_tree.py"


rule compare_labels:
    input:
        problems=result("problems/{dataset}.parquet"),
        solutions=labelled_solutions("{dataset}", "monte_carlo"),
        policies=labelling_policies(*STUDY.labels.compare.methods),
    output:
        labels=result("labels/{dataset}.compare.parquet"),
    log:
        result("logs/compare_labels/{dataset}.log"),
    benchmark:
        result("benchmarks/compare_labels/{dataset}.tsv")
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, lambda wildcards: to_label(*STUDY.labels.compare.methods)),
        gpu=gpus(lambda wildcards: to_label(*STUDY.labels.compare.methods)),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        problems=STUDY.labels.compare.problems,
        policy=STUDY.labels.policy,
        labellers=labelling_models(*STUDY.labels.compare.methods),
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.compare.rollouts,
        decision=as_data(STUDY.labels.decision),
        tree=as_data(STUDY.labels.omega),
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/compare_labels.py"


rule summarise_labels:
    input:
        labels=[result(f"labels/{dataset}.{method}.parquet") for dataset, method in LABELLED],
        solutions=[labelled_solutions(dataset, method) for dataset, method in LABELLED],
        judged=JUDGED_LABELS,
    output:
        csv=result("tables/labels.csv"),
        costs=result("tables/label_costs.csv"),
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


rule draw_label_quality:
    input:
        labels=JUDGED_LABELS,
        module="workflow/prmscale/figures/{figure}.py",
    output:
        pdf=report(
            result("figures/{figure}.pdf"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        png=result("figures/{figure}.png"),
        csv=result("figures/{figure}.csv"),
    log:
        result("logs/draw_label_quality/{figure}.log"),
    benchmark:
        result("benchmarks/draw_label_quality/{figure}.tsv")
    wildcard_constraints:
        figure="fig9",
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    params:
        level=STUDY.analysis.level,
        draws=STUDY.analysis.draws,
        seed=STUDY.seed,
    script:
        "../scripts/draw_label_quality.py"


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
