"""Patterns: what PRM-Math and PRM-Code say of each step, and whether the responses that they select are alike."""

COMPARED = STUDY.compared()
POLICY = STUDY.search.evaluations[0].policy if STUDY.search.evaluations else ""
REFERENCE = STUDY.analysis.patterns.reference or POLICY
COMPARED_TESTS = [dataset for _, datasets in COMPARED.values() for dataset in datasets]
STEP_SCORES = [result(f"scores/{reward_model}.parquet") for reward_model, _ in COMPARED.values()]
PATTERNS = [result("tables/pattern_similarity.csv")] if COMPARED else []


rule score_steps:
    input:
        problems=expand(result("problems/{dataset}.parquet"), dataset=COMPARED_TESTS),
        solutions=expand(
            result(f"solutions/{POLICY}/{{dataset}}.search.parquet"), dataset=COMPARED_TESTS
        ),
        reward_model=lambda wildcards: reward_folders([wildcards.reward_model]),
    output:
        scores=result("scores/{reward_model}.parquet"),
    log:
        result("logs/score_steps/{reward_model}.log"),
    benchmark:
        result("benchmarks/score_steps/{reward_model}.tsv")
    wildcard_constraints:
        reward_model="|".join(map(re.escape, [*(name for name, _ in COMPARED.values()), "-"])),
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(4000, lambda wildcards: [to_score(wildcards.reward_model)]),
        gpu=gpus(lambda wildcards: [to_score(wildcards.reward_model)]),
    params:
        plans=[plan(POLICY, dataset) for dataset in COMPARED_TESTS],
        samples=STUDY.analysis.table1_budget,
        role=lambda wildcards: next(
            role for role, (name, _) in COMPARED.items() if name == wildcards.reward_model
        ),
        world=as_data(STUDY.world),
        execution=as_data(STUDY.code_execution),
        device=STUDY.device,
    script:
        "../scripts/score_steps.py"


rule compare_patterns:
    input:
        problems=expand(result("problems/{dataset}.parquet"), dataset=COMPARED_TESTS),
        solutions=expand(
            result(f"solutions/{POLICY}/{{dataset}}.search.parquet"), dataset=COMPARED_TESTS
        ),
        scores=STEP_SCORES,
        rewards=reward_folders(REWARD_MODELS),
        reference=policy_files(REFERENCE) if COMPARED else [],
    output:
        csv=result("tables/pattern_similarity.csv"),
    log:
        result("logs/compare_patterns.log"),
    benchmark:
        result("benchmarks/compare_patterns.tsv")
    conda:
        "../../envs/core.yaml"
    threads: STUDY.threads
    resources:
        mem_mb=main_memory(4000, lambda wildcards: [memory.differentiating(base_size(REFERENCE))]),
        gpu=gpus(lambda wildcards: [memory.differentiating(base_size(REFERENCE))]),
    params:
        analysis=STUDY.analysis.model_dump(
            mode="json", include={"aggregation", "level", "permutations", "patterns"}
        ),
        aggregations=STUDY.search.aggregations,
        policy=POLICY,
        reference=REFERENCE,
        folder=lambda wildcards: policy_folder(REFERENCE),
        revision=lambda wildcards: revision(REFERENCE),
        device=STUDY.device,
        seed=STUDY.seed,
    script:
        "../scripts/compare_patterns.py"
