"""Figures, tables and claims. Each is a job, so that a change of one figure's module redraws that figure alone."""

from prmscale.figures import FIGURES, caption
from prmscale.plan.granularity import list_splits

SPLITS = list_splits(PLAN)
SPLIT_DATASETS = list(dict.fromkeys(each.dataset for each in SPLITS))
# the files of each kind that figures read
TABLES = {
    "search": PLAN.search_tables(),
    "speeds": PLAN.test_files("speeds") + [PATHS.search_speed(name) for name in REWARD_MODELS],
    "rewards": REWARD_FOLDERS,
    "scores": STEP_SCORES,
    "patterns": PATTERNS,
    "labels": JUDGED_LABELS,
    "spending": JUDGED_SPENDING,
    "first_errors": PLAN.first_error_tables(),
    "reliability": PLAN.reliability_tables(),
    "problems": PLAN.generated_problems(),
    "granularity": [result("tables/granularity.csv")] if SPLITS else [],
    "reported": [
        str(PACKAGE / f"figures/reported/{figure}.csv")
        for figure, kinds in FIGURES.items()
        if "reported" in kinds
    ],
}
# a figure is left out where the study makes no table of the first kind that it reads
DRAWN = [name for name in PLAN.figures() if TABLES[FIGURES[name][0]]]


rule draw_figure:
    input:
        unpack(lambda wildcards: {kind: TABLES[kind] for kind in FIGURES[wildcards.figure]}),
        module=str(PACKAGE / "figures/{figure}.py"),
    output:
        pdf=result("figures/{figure}.pdf"),
        svg=report(
            result("figures/{figure}.svg"),
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: {
                "figure": wildcards.figure,
                "shows": caption(wildcards.figure).splitlines()[0].partition(": ")[2],
            },
        ),
        png=result("figures/{figure}.png"),
        csv=result("figures/{figure}.csv"),
    log:
        result("logs/draw_figure/{figure}.log"),
    benchmark:
        result("benchmarks/draw_figure/{figure}.tsv")
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(HOLDINGS.searches(4000)),
    params:
        plugins=USES.compare(),
        caption=lambda wildcards: caption(wildcards.figure),
        analysis=STUDY.analysis.model_dump(include={"aggregation", "level", "table1_budget"}),
        aggregations=STUDY.search.aggregations,
        claims=PLAN.verdict_rules(),
        policy=PLAN.first_policy,
        temperatures=list_temperatures(STUDY),
        seed=STUDY.seed,
        style=lambda wildcards: as_data(STUDY.style.of_figure(wildcards.figure)),
    script:
        "../scripts/draw_figure.py"


for figure in FIGURES:

    rule:
        name:
            figure
        input:
            result(f"figures/{figure}.pdf"),


rule count_steps:
    input:
        solutions=[PATHS.solutions(PLAN.first_policy, name, "search") for name in SPLIT_DATASETS],
    output:
        csv=result("tables/granularity.csv"),
    log:
        result("logs/count_steps.log"),
    benchmark:
        result("benchmarks/count_steps.tsv")
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(2000),
    params:
        splits=[each._asdict() for each in SPLITS],
        datasets=SPLIT_DATASETS,
    script:
        "../scripts/count_steps.py"


rule summarise_replies:
    input:
        solutions=[*dict.fromkeys([*PLAN.test_files("solutions"), *LABELLED_SOLUTIONS])],
    output:
        csv=table("replies"),
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
        search=TABLES["search"],
        rewards=REWARD_FOLDERS,
        patterns=PATTERNS,
        replies=result("tables/replies.csv"),
        reliability=TABLES["reliability"],
        reported=str(PACKAGE / "figures/reported/table1.csv"),
        reported_patterns=str(PACKAGE / "figures/reported/table2.csv"),
    output:
        markdown=report(result("claims.md"), caption="../report/claims.rst", category="Claims"),
        csv=table("claims"),
        checks=table("checks"),
        calibration=table("calibration"),
        transfer=table("transfer"),
        scaling_law=table("scaling_law"),
    log:
        result("logs/judge_claims.log"),
    benchmark:
        result("benchmarks/judge_claims.tsv")
    priority: 1  # it takes longer than a figure
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(HOLDINGS.searches(4000)),
    params:
        plugins=USES.compare(),
        analysis=STUDY.analysis.model_dump(include={"aggregation", "level", "table1_budget"}),
        aggregations=STUDY.search.aggregations,
        claims=PLAN.verdict_rules(),
        generated=PLAN.is_generated(),
        policy=PLAN.first_policy,
        seed=STUDY.seed,
    script:
        "../scripts/judge_claims.py"


rule draw_explorer:
    input:
        problems=PLAN.test_files("problems"),
        solutions=PLAN.test_files("solutions"),
        validation=VALIDATION_SOLUTIONS,
        labels=PLAN.validation_labels(),
        search=TABLES["search"],
        scores=[PATHS.solution_scores(name) for name in REWARD_MODELS],
        trees=[PATHS.trees(*each) for each in PLAN.tree_searches()],
        rewards=REWARD_FOLDERS,
        sources=sorted(map(str, (PACKAGE / "explorer/page").iterdir())),
    output:
        page=report(result("explorer.html"), caption="../report/explorer.rst", category="Explorer"),
    log:
        result("logs/draw_explorer.log"),
    benchmark:
        result("benchmarks/draw_explorer.tsv")
    priority: 1  # it takes longer than a figure
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=main_memory(4000),
    params:
        plugins=USES.grade(*[name for _, name in STUDY.tests()]),
        study=STUDY.study,
        first_model=[*STUDY.search.tree.reward_models, *REWARD_MODELS, ""][0],
        tests=PLAN.tests(),
        validation=PLAN.validation(),
        trees=PLAN.tree_searches(),
        aggregation=STUDY.analysis.aggregation,
        aggregations=STUDY.search.aggregations,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
    script:
        "../scripts/draw_explorer.py"


rule store_config:
    output:
        report(
            result("config.yaml"),
            caption="../report/configuration.rst",
            category="Configuration",
        ),
    log:
        result("logs/store_config.log"),
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        plugins=USES.list_all(),
        versions=lambda wildcards: jobs.list_versions(),
        study=as_data(STUDY),
    script:
        "../scripts/store_config.py"
