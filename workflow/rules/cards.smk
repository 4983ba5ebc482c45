"""The card of the study's tables. Those of models are written with the models."""

CORPORA = PLAN.corpora_in_use()
# the Parquet tables of each kind
PUBLISHED_TABLES = {
    "problems": [
        *[PATHS.problems(dataset) for dataset in name_all(STUDY.datasets)],
        *[PATHS.corpus(corpus, "problems") for corpus in CORPORA],
    ],
    "solutions": [
        *dict.fromkeys([*PLAN.test_files("solutions"), *LABELLED_SOLUTIONS, *VALIDATION_SOLUTIONS]),
        *[PATHS.corpus(corpus, "solutions") for corpus in CORPORA],
    ],
    "labels": [
        *dict.fromkeys(
            [
                *[PATHS.labels(*each) for each in LABELLED],
                *JUDGED_LABELS,
                *[PATHS.labels_by(*each) for each in LABEL_JOBS],
            ]
        ),
        *[PATHS.corpus(corpus, "labels") for corpus in CORPORA],
    ],
    "spending": [*dict.fromkeys([*[PATHS.spending(*each) for each in LABELLED], *JUDGED_SPENDING])],
    "search": TABLES["search"],
    "trees": [PATHS.trees(*each) for each in PLAN.tree_searches()],
    "solution_scores": [PATHS.solution_scores(name) for name in REWARD_MODELS],
    "scores": STEP_SCORES,
    "first_errors": TABLES["first_errors"],
    "reliability": TABLES["reliability"],
}


rule write_data_card:
    input:
        **PUBLISHED_TABLES,
        config=result("config.yaml"),
    output:
        card=result("README.md"),
    log:
        result("logs/write_data_card.log"),
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        kinds=[*PUBLISHED_TABLES],
        study=STUDY.study,
        seed=STUDY.seed,
    script:
        "../scripts/write_data_card.py"
