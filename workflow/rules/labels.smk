"""Labels of the steps of solutions: rollouts, the truth where it is known, or what others have published."""

LABELLED = STUDY.all_label_tables()
LABEL_JOBS = list_label_jobs(PLAN)
LABELLED_SOLUTIONS = [PATHS.labelled_solutions(*each) for each in LABELLED]
JUDGED = PLAN.judged_labels()
JUDGED_LABELS = [PATHS.labels(*each) for each in JUDGED]
JUDGED_SPENDING = [PATHS.spending(*each) for each in JUDGED]
SHARES = STUDY.labels.jobs
OTHER_LABELLERS = any_of(filter(None, [*STUDY.labels.consensus, STUDY.labels.advantage.prover]))
BY_ROLLOUTS = [m for m in LABEL_METHODS if m not in (*READS, "omega")]


rule label_solutions:
    input:
        problems=PATHS.problems("{dataset}"),
        solutions=PATHS.solutions("{policy}", "{dataset}", "labelling"),
        policies=lambda wildcards: PLAN.labelling_files(wildcards.policy, wildcards.method),
    output:
        labels=share(PATHS.labels("{policy}", "{dataset}", "{method}"), SHARES),
        spent=share(PATHS.spending("{policy}", "{dataset}", "{method}"), SHARES),
    log:
        name_share(result("logs/label_solutions/{policy}.{dataset}.{method}.log"), SHARES),
    benchmark:
        name_share(result("benchmarks/label_solutions/{policy}.{dataset}.{method}.tsv"), SHARES)
    wildcard_constraints:
        method="|".join(BY_ROLLOUTS),
    priority: 30
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        **for_models(3000, lambda wildcards: NEEDS.label(wildcards.policy, wildcards.method)),
    params:
        **LABELLING,
        plugins=lambda wildcards: USES.label(wildcards.dataset, wildcards.method),
        policy=lambda wildcards: wildcards.policy,
        labellers=lambda wildcards: PLAN.labelling_models(
            wildcards.policy, wildcards.dataset, wildcards.method
        ),
        rollouts=STUDY.labels.rollouts,
        decisions=lambda wildcards: PLAN.decisions(wildcards.method),
        shards=STUDY.labels.shards,
    script:
        "../scripts/label_solutions.py"


# readings take the writer's labels from label_solutions, and those of other labellers from these two
use rule label_solutions as label_by_another with:
    input:
        problems=PATHS.problems("{dataset}"),
        solutions=PATHS.solutions("{policy}", "{dataset}", "labelling"),
        policies=lambda wildcards: PATHS.policy_files(wildcards.labeller),
    output:
        labels=share(
            PATHS.labels_by("{labeller}", "{policy}", "{dataset}", "binary_search"), SHARES
        ),
        spent=share(
            PATHS.spending_by("{labeller}", "{policy}", "{dataset}", "binary_search"), SHARES
        ),
    log:
        name_share(result("logs/label_by_another/{policy}.{dataset}.{labeller}.log"), SHARES),
    benchmark:
        name_share(result("benchmarks/label_by_another/{policy}.{dataset}.{labeller}.tsv"), SHARES)
    wildcard_constraints:
        labeller=any_of(STUDY.labels.consensus),
    resources:
        **for_models(3000, lambda wildcards: NEEDS.sample(wildcards.labeller)),
    params:
        **of_another("binary_search"),


use rule label_by_another as label_by_prover with:
    output:
        labels=share(PATHS.labels_by("{labeller}", "{policy}", "{dataset}", "monte_carlo"), SHARES),
        spent=share(PATHS.spending_by("{labeller}", "{policy}", "{dataset}", "monte_carlo"), SHARES),
    log:
        name_share(result("logs/label_by_prover/{policy}.{dataset}.{labeller}.log"), SHARES),
    benchmark:
        name_share(result("benchmarks/label_by_prover/{policy}.{dataset}.{labeller}.tsv"), SHARES)
    wildcard_constraints:
        labeller=any_of(filter(None, [STUDY.labels.advantage.prover])),
    params:
        **of_another("monte_carlo"),


rule read_labels:
    input:
        solutions=PATHS.solutions("{policy}", "{dataset}", "labelling"),
        labels=lambda wildcards: [PATHS.labels_by(*each) for each in read_by(wildcards)],
        spent=lambda wildcards: [PATHS.spending_by(*each) for each in read_by(wildcards)],
    output:
        labels=PATHS.labels("{policy}", "{dataset}", "{method}"),
        spent=PATHS.spending("{policy}", "{dataset}", "{method}"),
    log:
        result("logs/read_labels/{policy}.{dataset}.{method}.log"),
    benchmark:
        result("benchmarks/read_labels/{policy}.{dataset}.{method}.tsv")
    wildcard_constraints:
        method="|".join(READS),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(HOLDINGS.labels(3000)),
    params:
        settings=lambda wildcards: PLAN.readings(wildcards.method)[wildcards.method],
    script:
        "../scripts/read_labels.py"


rule label_by_tree:
    input:
        problems=PATHS.problems("{dataset}"),
        policies=lambda wildcards: PLAN.labelling_files(wildcards.policy, "omega"),
    output:
        labels=share(PATHS.labels("{policy}", "{dataset}", "omega"), SHARES),
        spent=share(PATHS.spending("{policy}", "{dataset}", "omega"), SHARES),
        solutions=share(PATHS.labelled_solutions("{policy}", "{dataset}", "omega"), SHARES),
    log:
        name_share(result("logs/label_by_tree/{policy}.{dataset}.log"), SHARES),
    benchmark:
        name_share(result("benchmarks/label_by_tree/{policy}.{dataset}.tsv"), SHARES)
    priority: 30
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        **for_models(3000, lambda wildcards: NEEDS.label(wildcards.policy, "omega")),
    params:
        **LABELLING,
        plugins=lambda wildcards: USES.label(wildcards.dataset),
        splits=["train", "validation"],
        policy=lambda wildcards: wildcards.policy,
        labellers=lambda wildcards: PLAN.labelling_models(
            wildcards.policy, wildcards.dataset, "omega"
        ),
        rollouts=STUDY.labels.rollouts,
        decisions={},
        tree=as_data(STUDY.labels.omega),
        shards=STUDY.labels.shards,
    script:
        "../scripts/label_by_tree.py"


if SHARES > 1:

    rule merge_labels:
        input:
            labels=all_shares(result("labels/{table}.parquet"), SHARES),
            spent=all_shares(result("labels/{table}.spent.parquet"), SHARES),
        output:
            labels=result("labels/{table}.parquet"),
            spent=result("labels/{table}.spent.parquet"),
        log:
            result("logs/merge_labels/{table}.log"),
        benchmark:
            result("benchmarks/merge_labels/{table}.tsv")
        wildcard_constraints:
            # POLICY/DATASET.METHOD, or by another labeller
            table=rf"[^/]+/[^/]+\.({'|'.join(BY_ROLLOUTS)}|by\.({OTHER_LABELLERS}))",
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=main_memory(4000),
        script:
            "../scripts/merge_shares.py"

    rule merge_label_trees:
        input:
            labels=all_shares(PATHS.labels("{policy}", "{dataset}", "omega"), SHARES),
            spent=all_shares(PATHS.spending("{policy}", "{dataset}", "omega"), SHARES),
            solutions=all_shares(PATHS.labelled_solutions("{policy}", "{dataset}", "omega"), SHARES),
        output:
            labels=PATHS.labels("{policy}", "{dataset}", "omega"),
            spent=PATHS.spending("{policy}", "{dataset}", "omega"),
            solutions=PATHS.labelled_solutions("{policy}", "{dataset}", "omega"),
        log:
            result("logs/merge_label_trees/{policy}.{dataset}.log"),
        benchmark:
            result("benchmarks/merge_label_trees/{policy}.{dataset}.tsv")
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=main_memory(4000),
        script:
            "../scripts/merge_shares.py"


rule compare_labels:
    input:
        problems=PATHS.problems("{dataset}"),
        solutions=PATHS.labelled_solutions(STUDY.labels.policy, "{dataset}", "monte_carlo"),
        policies=PLAN.labelling_files(STUDY.labels.policy, *STUDY.labels.compare.methods),
    output:
        labels=PATHS.labels(STUDY.labels.policy, "{dataset}", "compare"),
        spent=PATHS.spending(STUDY.labels.policy, "{dataset}", "compare"),
    log:
        result("logs/compare_labels/{dataset}.log"),
    benchmark:
        result("benchmarks/compare_labels/{dataset}.tsv")
    conda:
        environment(SAMPLING)
    threads: STUDY.threads
    resources:
        **for_models(
            3000, lambda wildcards: NEEDS.label(STUDY.labels.policy, *STUDY.labels.compare.methods)
        ),
    params:
        **LABELLING,
        plugins=lambda wildcards: USES.label(wildcards.dataset, *STUDY.labels.compare.methods),
        problems=STUDY.labels.compare.problems,
        policy=STUDY.labels.policy,
        labellers=lambda wildcards: PLAN.labelling_models(
            STUDY.labels.policy, wildcards.dataset, *STUDY.labels.compare.methods
        ),
        rollouts=STUDY.labels.compare.rollouts,
        decisions=PLAN.decisions(*STUDY.labels.compare.methods),
        readings=PLAN.readings(*STUDY.labels.compare.methods),
        tree=as_data(STUDY.labels.omega),
    script:
        "../scripts/compare_labels.py"


rule summarise_labels:
    input:
        labels=[PATHS.labels(*each) for each in LABELLED],
        spent=[PATHS.spending(*each) for each in LABELLED],
        judged=JUDGED_LABELS,
        judged_spent=JUDGED_SPENDING,
        labellings=[PATHS.labels_by(*each) for each in LABEL_JOBS],
    output:
        csv=table("labels"),
        costs=table("label_costs"),
        disagreement=table("label_disagreement"),
    log:
        result("logs/summarise_labels.log"),
    benchmark:
        result("benchmarks/summarise_labels.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(HOLDINGS.labels(2000)),
    params:
        datasets=[dataset for _, dataset, _ in LABELLED],
        labellings=[each._asdict() for each in LABEL_JOBS],
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
