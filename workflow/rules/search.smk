"""Search: every strategy over every policy and test set, one job a reward model and one for all that need none.

Here alone test problems are met; nothing that is trained or chosen depends on these rules.
"""

TEST_PROBLEMS = [
    result(f"problems/{dataset}.parquet") for dataset in dict.fromkeys(d for _, d in STUDY.tests())
]
TEST_SOLUTIONS = [
    result(f"solutions/{e.policy}/{dataset}.search.parquet") for e, dataset in STUDY.tests()
]

# labelled solutions whose truth is known: what thresholds of step scores are chosen on
VALIDATION_SOLUTIONS = [
    result(f"solutions/{each['policy']}/{each['dataset']['name']}.labelling.parquet")
    for each in validation_plans()
]


rule search:
    input:
        problems=TEST_PROBLEMS,
        solutions=TEST_SOLUTIONS,
        speeds=[
            result(f"solutions/{e.policy}/{dataset}.search.speed.json")
            for e, dataset in STUDY.tests()
        ],
        reward_model=branch(
            lambda wildcards: wildcards.reward_model == "without",
            then=[],
            otherwise=lambda wildcards: reward_folders([wildcards.reward_model]),
        ),
        validation=branch(
            lambda wildcards: wildcards.reward_model == "without",
            then=[],
            otherwise=VALIDATION_SOLUTIONS,
        ),
    output:
        search=result("search/{reward_model}.parquet"),
        first_errors=result("first_errors/{reward_model}.parquet"),
    log:
        result("logs/search/{reward_model}.log"),
    benchmark:
        result("benchmarks/search/{reward_model}.tsv")
    conda:
        environment(SCORING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(4000, search_needs),
        gpu=gpus(search_needs),
    params:
        plans=plans(),
        reward_model=lambda wildcards: (
            "" if wildcards.reward_model == "without" else wildcards.reward_model
        ),
        strategies=lambda wildcards: [
            name
            for name in STUDY.search.strategies
            if STRATEGIES[name].scored == (wildcards.reward_model != "without")
            # vLLM does not tell it
            and (name != "self_certainty" or SAMPLING == "transformers")
        ],
        engine=SCORING,
        aggregations=STUDY.search.aggregations,
        budgets=STUDY.search.budgets,
        first_errors=as_data(STUDY.search.first_errors),
        validation=lambda wildcards: (
            [] if wildcards.reward_model == "without" else validation_plans()
        ),
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/search.py"


rule search_trees:
    input:
        problems=result("problems/{dataset}.parquet"),
        solutions=result("solutions/{policy}/{dataset}.search.parquet"),
        policy=lambda wildcards: policy_files(wildcards.policy),
        reward_model=lambda wildcards: reward_folders([wildcards.reward_model]),
    output:
        search=result("search/trees/{reward_model}/{policy}/{dataset}.parquet"),
        trees=result("trees/{reward_model}/{policy}/{dataset}.parquet"),
    log:
        result("logs/search_trees/{reward_model}.{policy}.{dataset}.log"),
    benchmark:
        result("benchmarks/search_trees/{reward_model}.{policy}.{dataset}.tsv")
    priority: 5  # the longest of the search jobs
    conda:
        environment(SAMPLING, SCORING)
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(4000, tree_needs),
        gpu=gpus(tree_needs),
    params:
        plan=lambda wildcards: plan(wildcards.policy, wildcards.dataset),
        weights=lambda wildcards: policy_weights(wildcards.policy),
        prompting=lambda wildcards: prompting(wildcards.policy, wildcards.dataset),
        sampling=as_data(STUDY.policies.sampling),
        tree=STUDY.search.tree.model_dump(mode="json", exclude={"reward_models"}),
        engine=SCORING,
        budgets=STUDY.search.budgets,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/search_trees.py"


rule rank_by_likelihood:
    input:
        problems=TEST_PROBLEMS,
        solutions=TEST_SOLUTIONS,
        base=lambda wildcards: made_here(base_folders(wildcards.base)),
    output:
        search=result("search/likelihood/{base}.parquet"),
    log:
        result("logs/rank_by_likelihood/{base}.log"),
    benchmark:
        result("benchmarks/rank_by_likelihood/{base}.tsv")
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(4000, ranking_needs),
        gpu=gpus(ranking_needs),
    params:
        plans=plans(),
        base=lambda wildcards: wildcards.base,
        folders=lambda wildcards: base_folders(wildcards.base),
        revision=lambda wildcards: revision(wildcards.base),
        budgets=STUDY.search.budgets,
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
    script:
        "../scripts/rank_by_likelihood.py"
