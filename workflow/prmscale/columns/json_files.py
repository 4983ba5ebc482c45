"""The JSON files and their keys."""

from __future__ import annotations

# file: its keys, in order, and their meanings; a key in brackets is absent from some files
JSON_FILES = {
    "problems/corpus.json": {
        "modulus": "the modulus of all arithmetic",
        "definitions": "fewest and most quantities that a problem defines",
        "filler_share": "share of the definitions whose wording cannot be misread",
        "wordings": "by wording: template, right and misread reading, and by domain the share of "
        "the corpus that misreads it",
        "splits": "by split: the percentage of hash buckets that belong to it",
        "splits_rule": "how a problem's split is found",
        "vocabulary": "number of tokens of the tokenizer",
        "mean_tokens": "by domain: mean tokens of a prompt and of a solution",
    },
    "problems/DATASET.json": {
        "name": "name of the data set",
        "source": "the benchmark or generator",
        "path": "the file or hub data set that was read; null if none",
        "licence": "licences of the problems",
        "problems": "by split: number of problems",
        "left_out": "by reason: ids of the rows left out",
        "seed": "seed of the study",
        "world": "the keys of `problems/corpus.json`; null unless the problems are generated",
    },
    "corpora/CORPUS/card.json": {
        "name": "name of the corpus",
        "source": "format of the corpus",
        "path": "the file or hub data set that was read",
        "licence": "licences of the problems",
        "problems": "by split: number of problems",
        "solutions": "number of solutions",
        "steps": "number of labelled steps",
        "right_steps": "share of the steps that are labelled right",
        "skipped": "`rows`: number of rows left out; `why`: the reason of each",
        "[agreement]": "share of the solutions on which our verdict is the published one",
        "[disagreements]": "the other solutions: problem, policy, both answers, published verdict",
    },
    "policies/MODEL/replicateR/PERCENT/pretraining.json": {
        "name": "name of the model",
        "replicate": "number of the pre-training, from 1",
        "parameters": "number of parameters",
        "tokens": "tokens learnt so far (of solutions)",
        "tokens_read": "tokens read so far (of prompts and solutions)",
        "flops": "FLOPs of the pre-training so far",
        "percent": "percentage of the pre-training",
        "loss": "mean loss of the last 100 steps, nats per token",
    },
    "solutions/POLICY/DATASET.PURPOSE.speed.json": {
        "seconds_per_token": "measured seconds of a generated token in full batches",
    },
    "rewards/MODEL/replicateR/reward_model.json": {
        "reward_model": "name of the reward model",
        "base": "the language model that it starts from",
        "train_on": "math, code or both; `other data` of a released one",
        "labels": "label method, or corpus",
        "shuffled": "whether the labels are shuffled: a control",
        "role": "math or code: it stands for PRM-Math or PRM-Code; else empty",
        "seed": "seed of the study",
        "head": "form of the score; of a released one, its format",
        "supervise": "which steps carry a loss",
        "target": "hard labels or soft values",
        "ranking_weight": "weight of the ranking loss",
        "untrained": "whether it was never trained: a control",
        "training_set": "name, solutions, problems, steps, tokens, policies, wordings, right, "
        "right_by_source, as in `training_sets`; null of a released one",
        "[data]": "hash of the labels",
        "[step_mark]": "the token that a step's score is read at",
        "replicate": "number of the training, from 1",
        "base_parameters": "parameters of the base",
        "pretraining": "the keys of the base's `pretraining.json`; null if it has none",
        "steps": "training steps (updates) so far",
        "train_flops": "FLOPs of the training so far",
        "validation": "the columns of `metrics` at this step, from `loss` on",
        "[released]": "the configuration of a released one (rewards.released)",
    },
}
