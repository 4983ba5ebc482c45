"""Search: every strategy over every policy and test set, one job for each reward model and one for
the strategies that need none; and what reward models say of single steps.

Only these rules read test problems; nothing that is trained or chosen depends on them.
"""

REWARD_FOLDERS = [folder for name in REWARD_MODELS for folder in PATHS.reward_folders(name)]
VALIDATION_SOLUTIONS = [
    PATHS.solutions(STUDY.labels.policy, dataset.name, "labelling")
    for dataset in PLAN.validation_datasets()
]


rule search_unscored:
    input:
        problems=PLAN.test_files("problems"),
        solutions=PLAN.test_files("solutions"),
    output:
        search=PATHS.search("without"),
    log:
        result("logs/search_unscored.log"),
    benchmark:
        result("benchmarks/search_unscored.tsv")
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(HOLDINGS.tests(4000)),
    params:
        plugins=USES.search_unscored(),
        tests=PLAN.tests(),
        strategies=PLAN.strategies(scored=False),
        budgets=STUDY.search.budgets,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
    script:
        "../scripts/search_unscored.py"


rule search:
    input:
        problems=lambda wildcards: PLAN.test_files("problems", wildcards.reward_model),
        solutions=lambda wildcards: PLAN.test_files("solutions", wildcards.reward_model),
        reward_model=reward_folders,
        validation=VALIDATION_SOLUTIONS,
        labels=PLAN.validation_labels(),
    output:
        search=PATHS.search("{reward_model}"),
        first_errors=PATHS.first_errors("{reward_model}"),
        reliability=PATHS.reliability("{reward_model}"),
        scores=PATHS.solution_scores("{reward_model}"),
        speed=PATHS.search_speed("{reward_model}"),
    log:
        result("logs/search/{reward_model}.log"),
    benchmark:
        result("benchmarks/search/{reward_model}.tsv")
    wildcard_constraints:
        reward_model=any_of([name for name in REWARD_MODELS if name not in VERIFIERS]),
    conda:
        environment(SCORING)
    threads: STUDY.threads
    resources:
        **for_models(
            HOLDINGS.tests(4000, *REWARD_MODELS),
            lambda wildcards: NEEDS.search(wildcards.reward_model),
        ),
    params:
        plugins=lambda wildcards: USES.search(wildcards.reward_model),
        tests=lambda wildcards: PLAN.tests(wildcards.reward_model),
        validation=PLAN.validation(),
        strategies=PLAN.strategies(scored=True),
        engine=scoring_engine,
        aggregations=STUDY.search.aggregations,
        calibration=STUDY.search.calibration,
        budgets=STUDY.search.budgets,
        first_errors=as_data(STUDY.search.first_errors),
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
    script:
        "../scripts/search.py"


use rule search as search_by_verifier with:
    output:
        search=PATHS.search("{reward_model}"),
        first_errors=PATHS.first_errors("{reward_model}"),
        reliability=PATHS.reliability("{reward_model}"),
        scores=PATHS.solution_scores("{reward_model}"),
        speed=PATHS.search_speed("{reward_model}"),
        verdicts=PATHS.verdicts("{reward_model}"),
    wildcard_constraints:
        reward_model=any_of(VERIFIERS),
    conda:
        environment(SAMPLING)


TREE_SEARCH = PATHS.tree_search("{reward_model}", "{policy}", "{dataset}")
SAVED_TREES = PATHS.trees("{reward_model}", "{policy}", "{dataset}")
SEARCHED = "{reward_model}.{policy}.{dataset}"
SEARCH_SHARES = STUDY.search.tree.jobs


rule search_trees:
    input:
        problems=PATHS.problems("{dataset}"),
        solutions=PATHS.solutions("{policy}", "{dataset}", "search"),
        policy=lambda wildcards: PATHS.policy_files(wildcards.policy),
        reward_model=reward_folders,
    output:
        search=share(TREE_SEARCH, SEARCH_SHARES),
        trees=share(SAVED_TREES, SEARCH_SHARES),
    log:
        name_share(result(f"logs/search_trees/{SEARCHED}.log"), SEARCH_SHARES),
    benchmark:
        name_share(result(f"benchmarks/search_trees/{SEARCHED}.tsv"), SEARCH_SHARES)
    priority: 5  # the longest of the search jobs
    conda:
        environment(SAMPLING, SCORING)
    threads: STUDY.threads
    resources:
        **for_models(
            HOLDINGS.tests(4000),
            lambda wildcards: NEEDS.search_trees(wildcards.policy, wildcards.reward_model),
        ),
    params:
        plugins=lambda wildcards: USES.search_trees(wildcards.reward_model, wildcards.dataset),
        plan=lambda wildcards: PLAN.test(wildcards.policy, wildcards.dataset),
        weights=policy_weights,
        prompting=prompting,
        sampling=sampling,
        tree=STUDY.search.tree.model_dump(mode="json", exclude={"reward_models", "jobs"}),
        engine=scoring_engine,
        budgets=STUDY.search.budgets,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/search_trees.py"


if SEARCH_SHARES > 1:

    rule merge_searches:
        input:
            search=all_shares(TREE_SEARCH, SEARCH_SHARES),
            trees=all_shares(SAVED_TREES, SEARCH_SHARES),
        output:
            search=TREE_SEARCH,
            trees=SAVED_TREES,
        log:
            result(f"logs/merge_searches/{SEARCHED}.log"),
        benchmark:
            result(f"benchmarks/merge_searches/{SEARCHED}.tsv")
        conda:
            "../../envs/core.yaml"
        resources:
            mem_mb=main_memory(4000),
        script:
            "../scripts/merge_shares.py"


rule rank_by_likelihood:
    input:
        problems=PLAN.test_files("problems"),
        solutions=PLAN.test_files("solutions"),
        base=lambda wildcards: PATHS.inputs(PATHS.base_folders(wildcards.base)),
    output:
        search=PATHS.likelihood_search("{base}"),
    log:
        result("logs/rank_by_likelihood/{base}.log"),
    benchmark:
        result("benchmarks/rank_by_likelihood/{base}.tsv")
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        **for_models(HOLDINGS.tests(4000), lambda wildcards: NEEDS.rank(wildcards.base)),
    params:
        plugins=USES.grade(*[name for _, name in STUDY.tests()]),
        tests=PLAN.tests(),
        base=lambda wildcards: wildcards.base,
        folders=lambda wildcards: PATHS.base_folders(wildcards.base),
        revision=lambda wildcards: PLAN.revision(wildcards.base),
        budgets=STUDY.search.budgets,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
    script:
        "../scripts/rank_by_likelihood.py"


# What PRM-Math and PRM-Code say of each step, and whether the responses that they select are alike

COMPARED_MODELS = [reward_model for reward_model, _ in STUDY.models_by_role().values()]
COMPARED_PROBLEMS = [PATHS.problems(dataset) for dataset in PLAN.compared_datasets()]
COMPARED_SOLUTIONS = [
    PATHS.solutions(PLAN.first_policy, dataset, "search") for dataset in PLAN.compared_datasets()
]
STEP_SCORES = [PATHS.step_scores(reward_model) for reward_model in COMPARED_MODELS]
PATTERNS = [result("tables/pattern_similarity.csv")] if COMPARED_MODELS else []


rule score_steps:
    input:
        problems=COMPARED_PROBLEMS,
        solutions=COMPARED_SOLUTIONS,
        reward_model=reward_folders,
    output:
        scores=PATHS.step_scores("{reward_model}"),
    log:
        result("logs/score_steps/{reward_model}.log"),
    benchmark:
        result("benchmarks/score_steps/{reward_model}.tsv")
    wildcard_constraints:
        reward_model=any_of(COMPARED_MODELS),
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        **for_models(HOLDINGS.tests(4000), lambda wildcards: NEEDS.score(wildcards.reward_model)),
    params:
        plugins=lambda wildcards: USES.read(wildcards.reward_model, *PLAN.compared_datasets()),
        tests=PLAN.compared_tests(),
        samples=STUDY.analysis.table1_budget,
        role=lambda wildcards: PLAN.role(wildcards.reward_model),
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
    script:
        "../scripts/score_steps.py"


rule compare_patterns:
    input:
        problems=COMPARED_PROBLEMS,
        solutions=COMPARED_SOLUTIONS,
        scores=STEP_SCORES,
        rewards=REWARD_FOLDERS,
        reference=PATHS.policy_files(PLAN.reference) if COMPARED_MODELS else [],
    output:
        csv=table("pattern_similarity"),
    log:
        result("logs/compare_patterns.log"),
    benchmark:
        result("benchmarks/compare_patterns.tsv")
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        **for_models(4000, lambda wildcards: NEEDS.differentiate()),
    params:
        analysis=STUDY.analysis.model_dump(
            mode="json", include={"aggregation", "level", "permutations", "patterns"}
        ),
        aggregations=STUDY.search.aggregations,
        policy=PLAN.first_policy,
        reference=PLAN.reference,
        folder=lambda wildcards: PATHS.policy_folder(PLAN.reference),
        revision=lambda wildcards: PLAN.revision(PLAN.reference),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/compare_patterns.py"
