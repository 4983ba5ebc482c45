"""Problems of every data set, the pre-training corpus, and the check for contamination."""


rule build_problems:
    output:
        problems=PATHS.problems("{dataset}"),
        card=result("problems/{dataset}.json"),
    log:
        result("logs/build_problems/{dataset}.log"),
    benchmark:
        result("benchmarks/build_problems/{dataset}.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(HOLDINGS.problems(2000)),
    params:
        dataset=lambda wildcards: as_data(STUDY.original(wildcards.dataset)),
        plugins=lambda wildcards: USES.grade(wildcards.dataset),
        world=as_data(STUDY.world),
        execution=lambda wildcards: PLAN.reference_execution(wildcards.dataset),
        seed=STUDY.seed,
    script:
        "../scripts/build_problems.py"


rule build_corpus:
    output:
        corpus=result("problems/corpus.parquet"),
        tokenizer=directory(result("policies/tokenizer")),
        card=result("problems/corpus.json"),
    log:
        result("logs/build_corpus.log"),
    benchmark:
        result("benchmarks/build_corpus.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(4000),
    params:
        world=as_data(STUDY.world),
        tokens=STUDY.policies.pretraining.tokens,
        math_share=STUDY.policies.pretraining.math_share,
        seed=STUDY.seed,
    script:
        "../scripts/build_corpus.py"


rule check_contamination:
    input:
        problems=[PATHS.problems(dataset) for dataset in name_all(STUDY.datasets)],
        corpora=[PATHS.corpus(corpus, "problems") for corpus in PLAN.corpora_in_use()],
        corpus=result("problems/corpus.parquet") if STUDY.policies.pretraining.ladder else [],
    output:
        table=table("contamination"),
    log:
        result("logs/check_contamination.log"),
    benchmark:
        result("benchmarks/check_contamination.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(HOLDINGS.problems(4000)),
    params:
        n=STUDY.analysis.ngram,
    script:
        "../scripts/check_contamination.py"
