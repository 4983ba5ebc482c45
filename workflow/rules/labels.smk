"""Labels of the steps of solutions: rollouts, the truth where it is known, or what others have published."""

LABELLED = STUDY.labelled()
# of generated problems the truth of steps is known
WITH_TRUTH = [
    (p, d, m) for p, d, m in LABELLED if STUDY.dataset(d).source in study_module.GENERATED
]
LABELS_COMPARED_ON = STUDY.labels_compared_on()
# what figure 9 shows: the comparison, or else what reward models are trained on
JUDGED = (
    [(STUDY.labels.policy, dataset, "compare") for dataset in LABELS_COMPARED_ON]
    if LABELS_COMPARED_ON
    else [each for each in WITH_TRUTH if each[-1] != "oracle"]
)
JUDGED_LABELS = [label_table(*each) for each in JUDGED]
JUDGED_SPENDING = [spending_table(*each) for each in JUDGED]


rule label_solutions:
    input:
        problems=result("problems/{dataset}.parquet"),
        solutions=result("solutions/{policy}/{dataset}.labelling.parquet"),
        policies=lambda wildcards: labelling_policies(wildcards.policy, wildcards.method),
    output:
        labels=label_table("{policy}", "{dataset}", "{method}"),
        spent=spending_table("{policy}", "{dataset}", "{method}"),
    log:
        result("logs/label_solutions/{policy}.{dataset}.{method}.log"),
    benchmark:
        result("benchmarks/label_solutions/{policy}.{dataset}.{method}.tsv")
    wildcard_constraints:
        method="monte_carlo|adaptive|binary_search|oracle",
    priority: 30
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, lambda wildcards: to_label(wildcards.policy, wildcards.method)),
        gpu=gpus(lambda wildcards: to_label(wildcards.policy, wildcards.method)),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        policy=lambda wildcards: wildcards.policy,
        labellers=lambda wildcards: labelling_models(
            wildcards.policy, wildcards.dataset, wildcards.method
        ),
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.rollouts,
        decisions=lambda wildcards: decisions(wildcards.method),
        shards=STUDY.labels.shards,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/label_solutions.py"


# a consensus takes the writer's own search from the rule above, and those of its other labellers from this one
use rule label_solutions as label_by_another with:
    input:
        problems=result("problems/{dataset}.parquet"),
        solutions=result("solutions/{policy}/{dataset}.labelling.parquet"),
        policies=lambda wildcards: policy_files(wildcards.labeller),
    output:
        labels=searched_by("{labeller}", "{policy}", "{dataset}"),
        spent=searched_by("{labeller}", "{policy}", "{dataset}", "spent.parquet"),
    log:
        result("logs/label_by_another/{policy}.{dataset}.{labeller}.log"),
    benchmark:
        result("benchmarks/label_by_another/{policy}.{dataset}.{labeller}.tsv")
    wildcard_constraints:
        labeller="|".join(map(re.escape, [*STUDY.labels.consensus, "-"])),
    resources:
        mem_mb=main_memory(3000, lambda wildcards: [to_sample(wildcards.labeller)]),
        gpu=gpus(lambda wildcards: [to_sample(wildcards.labeller)]),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        policy=lambda wildcards: wildcards.policy,
        labellers=lambda wildcards: labelling_models(
            wildcards.labeller, wildcards.dataset, "binary_search"
        ),
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.rollouts,
        decisions=decisions("binary_search"),
        shards=STUDY.labels.shards,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,


rule filter_by_consensus:
    input:
        labels=lambda wildcards: [
            searched_by(name, wildcards.policy, wildcards.dataset)
            for name in STUDY.labels.consensus
        ],
        spent=lambda wildcards: [
            searched_by(name, wildcards.policy, wildcards.dataset, "spent.parquet")
            for name in STUDY.labels.consensus
        ],
    output:
        labels=label_table("{policy}", "{dataset}", "consensus"),
        spent=spending_table("{policy}", "{dataset}", "consensus"),
    log:
        result("logs/filter_by_consensus/{policy}.{dataset}.log"),
    benchmark:
        result("benchmarks/filter_by_consensus/{policy}.{dataset}.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(3000),
    script:
        "../scripts/filter_by_consensus.py"


rule label_by_tree:
    input:
        problems=result("problems/{dataset}.parquet"),
        policies=lambda wildcards: labelling_policies(wildcards.policy, "omega"),
    output:
        labels=label_table("{policy}", "{dataset}", "omega"),
        spent=spending_table("{policy}", "{dataset}", "omega"),
        solutions=labelled_solutions("{policy}", "{dataset}", "omega"),
    log:
        result("logs/label_by_tree/{policy}.{dataset}.log"),
    benchmark:
        result("benchmarks/label_by_tree/{policy}.{dataset}.tsv")
    priority: 30
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(3000, lambda wildcards: to_label(wildcards.policy, "omega")),
        gpu=gpus(lambda wildcards: to_label(wildcards.policy, "omega")),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        splits=["train", "validation"],
        policy=lambda wildcards: wildcards.policy,
        labellers=lambda wildcards: labelling_models(wildcards.policy, wildcards.dataset, "omega"),
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.rollouts,
        decisions={},
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
        solutions=labelled_solutions(STUDY.labels.policy, "{dataset}", "monte_carlo"),
        policies=labelling_policies(STUDY.labels.policy, *STUDY.labels.compare.methods),
    output:
        labels=label_table(STUDY.labels.policy, "{dataset}", "compare"),
        spent=spending_table(STUDY.labels.policy, "{dataset}", "compare"),
    log:
        result("logs/compare_labels/{dataset}.log"),
    benchmark:
        result("benchmarks/compare_labels/{dataset}.tsv")
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(
            3000, lambda wildcards: to_label(STUDY.labels.policy, *STUDY.labels.compare.methods)
        ),
        gpu=gpus(lambda wildcards: to_label(STUDY.labels.policy, *STUDY.labels.compare.methods)),
    params:
        dataset=lambda wildcards: as_data(STUDY.dataset(wildcards.dataset)),
        problems=STUDY.labels.compare.problems,
        policy=STUDY.labels.policy,
        labellers=lambda wildcards: labelling_models(
            STUDY.labels.policy, wildcards.dataset, *STUDY.labels.compare.methods
        ),
        sampling=as_data(STUDY.policies.sampling),
        rollouts=STUDY.labels.compare.rollouts,
        decisions=decisions(*STUDY.labels.compare.methods),
        tree=as_data(STUDY.labels.omega),
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/compare_labels.py"


rule summarise_labels:
    input:
        labels=[label_table(*each) for each in LABELLED],
        spent=[spending_table(*each) for each in LABELLED],
        judged=JUDGED_LABELS,
        judged_spent=JUDGED_SPENDING,
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
        datasets=[dataset for _, dataset, _ in LABELLED],
        level=STUDY.analysis.level,
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
