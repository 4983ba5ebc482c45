"""The CSV files that are not a figure's."""

from __future__ import annotations

from prmscale.columns.base import SIMILARITY, CsvFile

_LABELS = {
    "accuracy": "share of the steps whose label is true, a mean over problems; missing if the "
    "truth is unknown",
    "first_error": "share of the solutions whose first wrong step (or none) is that of the truth",
}
TABLES = [
    CsvFile(
        "tables/claims.csv",
        "claim contrast metric dataset effect low high verdict reported n seeds problem_error "
        "seed_error interaction_error p_supported p_refuted p_negligible power headline needed",
        {
            "claim": "the claim, as in `claims.headlines`",
            "contrast": "the contrast's name, as in `claims.headlines`",
            "metric": "what is compared, in words",
            "effect": "the contrast: a difference of accuracies (similarities), a share; of logits "
            "where `metric` says so",
            "reported": "the paper's number, in points",
            "problem_error": "standard error of `effect` over problems, a share",
            "seed_error": "standard error of `effect` over training seeds, a share",
            "interaction_error": "standard error of `effect` from problems and seeds together, a "
            "share",
            "p_supported": "p-value of the hypothesis that the claim is just untrue; small: "
            "supported. A headline's is corrected for the number of data sets",
            "p_refuted": "p-value of the hypothesis that the claim is just true; small: not "
            "supported",
            "p_negligible": "p-value of the hypothesis that `effect` is just of interest "
            "(claims.smallest_effects); small: equivalent",
            "power": "chance that a study of this size, with the variances that this one "
            "measured, tells the smallest effect of interest from none; missing for fits and "
            "similarities",
            "headline": "True if the claim's verdict rests on this contrast",
            "needed": "what would decide an inconclusive contrast, or measure a missing one",
        },
        "each contrast of each claim: effect, interval, verdict, and the power to decide",
    ),
    CsvFile(
        "tables/checks.csv",
        "section dataset comparison effect low high verdict n seeds",
        {
            "section": "section of claims.md: accuracy, verifies, falls, growth, emergence, "
            "diversity, transfer",
            "comparison": "what is measured or compared, in words",
            "effect": "difference of accuracies, a share (section accuracy: the accuracy); on "
            "`validation loss` a difference of losses, nats per step",
        },
        "the numbers beside the verdicts: controls, growth, transfer, diversity, emergence",
    ),
    CsvFile(
        "tables/transfer.csv",
        "policy dataset domain budget trained_on accuracy low high n seeds difference "
        "difference_low difference_high verdict",
        {
            "trained_on": "math, code or both: the domains of the training set",
            "accuracy": "accuracy of the selected solutions, a share",
            "difference": "`accuracy` less that of the reward model trained on the data set's "
            "domain, a share",
            "difference_low": "lower end of the 90 % interval of `difference`",
            "difference_high": "upper end of the 90 % interval of `difference`",
            "verdict": "supported: the two are as good, within claims.smallest_effects",
        },
        "accuracy on each domain by the domain that a reward model is trained on",
    ),
    CsvFile(
        "tables/scaling_law.csv",
        "dataset quantity at_flops value low high n seeds",
        {
            "quantity": "parameter of the law, its error on bases left out, or the best share of "
            "PRM training",
            "at_flops": "FLOPs at which `value` is given; of a best share, the total FLOPs of both "
            "trainings",
            "value": "the quantity: an error or a share from 0 to 1, or an exponent",
        },
        "the fitted law of accuracy in both trainings' FLOPs, and its best split",
    ),
    CsvFile(
        "tables/calibration.csv",
        "dataset policy against reward_model measure position mean low high n seeds",
        {
            "against": "truth: whether steps of test solutions are right; rollouts: the share of "
            "right rollouts from steps of validation solutions",
            "measure": "calibration_error (estimate from below, its interval up to that of the "
            "plain error), plain_error (estimate from above), overconfidence (mean score − mean of "
            "`against`), brier (their mean squared difference), or the means: score, right",
            "position": "all, or the quarter of the solution in which the step lies",
            "mean": "the mean that `measure` names, over problems, a share",
        },
        "how far the scores of steps are from probabilities, by reward model",
    ),
    CsvFile(
        "tables/contamination.csv",
        "train test train_problems test_problems exact ngram ngram_share n",
        {
            "train": "data set of the training problems",
            "test": "data set of the test problems",
            "train_problems": "number of training problems",
            "test_problems": "number of test problems",
            "exact": "number of test problems with the words of a training problem",
            "ngram": "number of test problems that share a run of `n` words with a training "
            "problem",
            "ngram_share": "`ngram` as a share of the test problems",
            "n": "words of an n-gram",
        },
        "test problems whose text or n-grams are in a training set",
    ),
    CsvFile(
        "tables/labels.csv",
        "dataset method decision policy weights k temperature seed solutions kept steps rollouts "
        "tokens right [accuracy] [accuracy_low] [accuracy_high] [first_error] [first_error_low] "
        "[first_error_high] [calibration_error]",
        {
            **_LABELS,
            "decision": "the rule by which the method calls a step right",
            "policy": "the policy that rolls out",
            "weights": "hash of that policy's weights, or its commit on the hub",
            "temperature": "sampling temperature of the rollouts",
            "seed": "seed of the study",
            "solutions": "number of solutions that the method was given, or that it wrote",
            "kept": "share of `solutions` that have labels",
            "tokens": "tokens of the rollouts",
        },
        "the tables of labels that reward models are trained on: rule, size, quality",
    ),
    CsvFile(
        "tables/label_costs.csv",
        "dataset method k problems problems_labelled solutions_labelled tokens against_k "
        "tokens_ratio tokens_ratio_low tokens_ratio_high accuracy accuracy_gain accuracy_gain_low "
        "accuracy_gain_high first_error first_error_gain first_error_gain_low "
        "first_error_gain_high",
        {
            **_LABELS,
            "problems": "number of problems that the method was given",
            "problems_labelled": "share of the problems that have labels",
            "solutions_labelled": "share of the solutions that have labels",
            "tokens": "all tokens of the rollouts, for each labelled solution",
            "against_k": "the fixed number of rollouts that the method is compared with",
            "tokens_ratio": "`tokens` over the tokens of `against_k` rollouts",
            "accuracy_gain": "`accuracy` less that of `against_k` rollouts, a share",
            "first_error_gain": "`first_error` less that of `against_k` rollouts, a share",
        },
        "tokens and accuracy of label methods, compared with a fixed K",
    ),
    CsvFile(
        "tables/label_disagreement.csv",
        "dataset policy labeller other solutions n steps steps_low steps_high first_errors "
        "first_errors_low first_errors_high wrong_by_labeller wrong_by_other",
        {
            "labeller": "the policy that rolls out, and its method",
            "other": "another labeller of the same solutions",
            "solutions": "number of solutions that both label",
            "steps": "share of the steps that the two label differently",
            "first_errors": "share of the solutions whose first wrong step (or none) they place "
            "differently",
            "wrong_by_labeller": "share of the steps that `labeller` alone calls wrong",
            "wrong_by_other": "share of the steps that `other` alone calls wrong",
        },
        "how often two labellers of the same solutions disagree; without rows where there is one",
    ),
    CsvFile(
        "tables/granularity.csv",
        "original dataset rule reward_model like solutions steps",
        {
            "original": "data set whose solutions they are",
            "dataset": "data set that splits them",
            "rule": "rule that splits solutions into steps",
            "steps": "mean steps of a solution",
            "reward_model": "a reward model that is trained on such steps",
            "like": "the first of the reward models that differ from it in `rule` alone",
        },
        "solutions that several rules split: steps, and reward models trained on them",
    ),
    CsvFile(
        "tables/training_sets.csv",
        "training_set train_on labels shuffled solutions problems steps tokens policies wordings "
        "right [right_SOURCE]",
        {
            "training_set": "name of the training set (rewards.data)",
            "shuffled": "True if the labels are shuffled: a control",
            "problems": "number of problems",
            "tokens": "tokens of the solutions",
            "policies": "number of policies that wrote the solutions",
            "wordings": "number of wordings with a popular misreading that the problems use",
            "right_SOURCE": "the share `right` among the steps of one data set or corpus; missing "
            "if the training set has none of it",
        },
        "what each training set holds: solutions, problems, policies, wordings",
    ),
    CsvFile(
        "tables/replies.csv",
        "policy dataset purpose found_by solutions share",
        {
            "purpose": "search, labelling or omega: what the solutions were written for",
            "found_by": "the rule that found the answer in the text; cut: no answer, because the "
            "solution reached the token limit",
            "solutions": "number of solutions in which the rule found the answer",
            "share": "`solutions` as a share of all solutions of the file",
        },
        "how answers were found in replies: shares by rule",
    ),
    CsvFile(
        "tables/pattern_similarity.csv",
        "first second comparison mean low high n seeds p comparable policy reference",
        SIMILARITY,
        "similarity of activation patterns of selected responses",
    ),
    CsvFile(
        "tables/cost.csv",
        "stage jobs [gpus] [gpu_hours] [hours] low high tokens flops gb [measured] [ratio]",
        {
            "stage": "stage of the pipeline, or the total",
            "jobs": "number of jobs",
            "gpus": "most GPUs of a job",
            "gpu_hours": "GPU hours, from the GPU's data sheet",
            "hours": "hours at the speed of a finished study, or of a CPU core, the jobs one after "
            "another",
            "low": "these hours if solutions are half as long; of GPUs, at a high utilisation too",
            "high": "these hours if solutions are twice as long (within `max_tokens`); of GPUs, at "
            "a low utilisation too",
            "tokens": "tokens generated and read",
            "flops": "FLOPs",
            "gb": "gigabytes stored",
            "measured": "measured hours of this study, if it has run: GPU hours beside `gpu_hours`,"
            " CPU hours of a study on CPUs",
            "ratio": "the projected over `measured`",
        },
        "projected cost of the study by stage (`make cost`)",
    ),
    CsvFile(
        "rewards/MODEL/replicateR/metrics.csv",
        "training_step flops [loss] [step_auc] [step_accuracy] [within_auc] [pair_accuracy] "
        "[problems] [mixed_problems] [one_sample] [best_of_n_AGGREGATION]",
        {
            "flops": "FLOPs of the reward model's training so far",
            "loss": "cross-entropy against the labels, nats per step",
            "step_auc": "area under the ROC curve of step scores against the truth (the labels if "
            "it is unknown), 0 to 1",
            "step_accuracy": "share of the steps whose score is on the true side of 0.5",
            "within_auc": "area under the ROC curve of the minimum step score among the solutions "
            "of a problem, a mean over problems, 0 to 1",
            "pair_accuracy": "share of the pairs of a right and a wrong solution of a problem that "
            "are ranked correctly",
            "problems": "number of validation problems",
            "mixed_problems": "number of problems with both right and wrong solutions",
            "one_sample": "accuracy of a random choice, a share",
            "best_of_n_AGGREGATION": "accuracy of best-of-n among all validation solutions of a "
            "problem, by this aggregation, a share",
        },
        "how well a reward model tells right from wrong on validation problems, along training",
    ),
]
