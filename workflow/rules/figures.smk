"""Figures, tables and claims: each one a job of its own, so that a changed style redraws that one alone."""

SEARCH_TABLES = [
    *expand(result("search/{reward_model}.parquet"), reward_model=["without", *REWARD_MODELS]),
    *expand(result("search/likelihood/{base}.parquet"), base=STUDY.search.likelihoods),
    *(PATHS.tree_search(model, e.policy, dataset) for model, e, dataset in PLAN.tree_searches()),
]
FIRST_ERRORS = expand(result("first_errors/{reward_model}.parquet"), reward_model=REWARD_MODELS)
REWARD_FOLDERS = [folder for name in REWARD_MODELS for folder in PATHS.reward_folders(name)]
# figures that are drawn from other tables than those of the searches
DRAWN_FROM = {"fig6": STEP_SCORES, "table2": PATTERNS}


rule draw_figure:
    input:
        tables=lambda wildcards: DRAWN_FROM.get(wildcards.figure, SEARCH_TABLES),
        rewards=REWARD_FOLDERS,
        reported=reported,
        first_errors=branch(
            lambda wildcards: wildcards.figure == "fig10", then=FIRST_ERRORS, otherwise=[]
        ),
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
        result("logs/draw_figure/{figure}.log"),
    benchmark:
        result("benchmarks/draw_figure/{figure}.tsv")
    wildcard_constraints:
        figure="|".join(name for name in study_module.FIGURES if name != "fig9"),  # shows labels alone
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(4000),
    params:
        analysis=STUDY.analysis.model_dump(exclude={"figures", "ngram", "patterns"}),
        aggregations=STUDY.search.aggregations,
        policy=STUDY.search.evaluations[0].policy if STUDY.search.evaluations else "",
        seed=STUDY.seed,
    script:
        "../scripts/draw_figure.py"


rule summarise_replies:
    input:
        solutions=[
            *dict.fromkeys(
                [*TEST_SOLUTIONS, *(PATHS.labelled_solutions(*each) for each in LABELLED)]
            )
        ],
    output:
        csv=result("tables/replies.csv"),
    log:
        result("logs/summarise_replies.log"),
    benchmark:
        result("benchmarks/summarise_replies.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    script:
        "../scripts/summarise_replies.py"


rule judge_claims:
    input:
        search=SEARCH_TABLES,
        rewards=REWARD_FOLDERS,
        patterns=PATTERNS,
        replies=result("tables/replies.csv"),
        reported="workflow/reported/table1.csv",
        reported_patterns="workflow/reported/table2.csv",
    output:
        markdown=report(result("claims.md"), caption="../report/claims.rst", category="Claims"),
        csv=result("tables/claims.csv"),
        checks=result("tables/checks.csv"),
        transfer=result("tables/transfer.csv"),
        scaling_law=result("tables/scaling_law.csv"),
    log:
        result("logs/judge_claims.log"),
    benchmark:
        result("benchmarks/judge_claims.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(4000),
    params:
        analysis=as_data(STUDY.analysis),
        aggregations=STUDY.search.aggregations,
        claims=as_data(STUDY.claims),
        generated=all(dataset.source in study_module.GENERATED for dataset in STUDY.datasets),
        policy=STUDY.search.evaluations[0].policy if STUDY.search.evaluations else "",
        seed=STUDY.seed,
    script:
        "../scripts/judge_claims.py"


rule store_config:
    output:
        result("config.yaml"),
    log:
        result("logs/store_config.log"),
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        study=as_data(STUDY),
    script:
        "../scripts/store_config.py"
