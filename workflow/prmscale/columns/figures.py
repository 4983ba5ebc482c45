"""The CSV file of each figure: exactly what it draws. Its caption tells the content."""

from __future__ import annotations

from prmscale.columns.base import SIMILARITY, CsvFile

COSTS = "spent share unanswered mean low high n seeds"

FIGURES = [
    CsvFile(
        "figures/fig1.csv",
        "policy dataset strategy base_parameters budget mean low high n seeds",
        {
            "strategy": "search strategy; `best_of_n by ORMs`: by outcome reward models; `gain per "
            "doubling`: gain from one size to the next; `best form: …`: the fitted curve",
            "base_parameters": "parameters of the reward model; of a gain, the geometric mean of "
            "both sizes; of a fitted curve, a place along it",
            "mean": "mean accuracy, a share; of a gain, accuracy per doubling of the size, a share",
        },
    ),
    CsvFile(
        "figures/fig2.csv",
        "policy dataset strategy kind training_step budget mean low high n seeds change_point",
        {
            "dataset": "data set, or `validation loss`",
            "mean": "mean accuracy, a share; of `validation loss`, cross-entropy in nats per step",
            "low": "lower end of the interval; of `validation loss`, the lowest training seed",
            "high": "upper end of the interval; of `validation loss`, the highest training seed",
            "change_point": "the training steps between which a jump fits best, and whether it "
            "fits better than smooth growth",
        },
    ),
    CsvFile(
        "figures/fig3.csv",
        "policy dataset strategy kind budget varied amount mean low high n seeds",
        {
            "varied": "wordings, problems or policies: the axis of diversity in a lower row; empty "
            "in the upper row",
            "amount": "number of wordings, problems or policies (`varied`) in the training set",
        },
    ),
    CsvFile(
        "figures/fig4.csv",
        f"policy reward_model dataset strategy aggregation budget policy_tokens {COSTS}",
        {
            "strategy": "search strategy, one_sample, majority, or `best_of_n by the ORM`, the "
            "outcome reward model that differs from the guide in supervision alone"
        },
    ),
    CsvFile(
        "figures/fig5.csv",
        "policy reward_model dataset strategy aggregation budget policy_tokens seconds "
        f"flops_cached {COSTS}",
    ),
    CsvFile(
        "figures/fig6.csv",
        "dataset problem_id correct solution_id step text truth role reward_model score lowest "
        "highest",
        {
            "problem_id": "the problem: DATASET/SPLIT/NUMBER",
            "correct": "True if the whole solution is correct",
            "solution_id": "number of the draw within the problem, from 0",
            "step": "number of the step within the solution, from 0",
            "text": "text of the step",
            "truth": "1: the solution is right up to this step, 0: wrong; missing if unknown",
            "role": "math or code: the model stands for PRM-Math or PRM-Code",
            "score": "the step's score from 0 to 1, a mean over training seeds",
            "lowest": "lowest score of a training seed",
            "highest": "highest score of a training seed",
        },
    ),
    CsvFile(
        "figures/fig7.csv",
        "policy dataset strategy base_parameters base_tokens base_flops budget mean low high n "
        "seeds part [train_flops] [base] [split_total] [split_share] [split_low] [split_high] "
        "[split_least] [split_most]",
        {
            "part": "`accuracy along pre-training`: a point of the upper panels; `point`: measured,"
            " `law`: fitted, `best split`: by the law, in the lower panels",
            "mean": "mean accuracy, a share; of `law` and `best split`, as the law predicts it",
            "train_flops": "FLOPs of the reward model's training",
            "base": "the reward model's base (NAME@PERCENT: a checkpoint of its pre-training)",
            "split_total": "total FLOPs of both trainings that are split",
            "split_share": "best share of PRM training in the total",
            "split_low": "lower end of the interval of `split_share`",
            "split_high": "upper end of the interval of `split_share`",
            "split_least": "least share of PRM training that was measured at this total",
            "split_most": "largest share of PRM training that was measured at this total",
        },
    ),
    CsvFile(
        "figures/fig8.csv",
        "policy reward_model part dataset difficulty budget spent winner compatible leader mean "
        "against lead low high n seeds strategy outcome first last",
        {
            "part": "`winner`: a cell of the upper panels; `crossover`: a row of the lower panels",
            "difficulty": "difficulty of the problems, or a range of difficulties; all: together",
            "budget": "budget in samples' worth; of a crossover, the samples' worth of tokens from "
            "which on the strategy leads best-of-n (0: from the first, inf: never)",
            "winner": "the strategy that certainly leads all others; empty if none does",
            "compatible": "the strategies that may be the best",
            "leader": "the most accurate strategy",
            "mean": "mean accuracy of `leader`, a share",
            "against": "the second most accurate strategy",
            "lead": "accuracy of `leader` less that of `against`, a share",
            "low": "lower end of the interval of `lead` at a level corrected for the number of "
            "strategies; of a crossover, of `budget`",
            "high": "upper end of the interval of `lead` at that level; of a crossover, of "
            "`budget`",
            "strategy": "the strategy whose crossover with best-of-n it is",
            "outcome": "overtakes, always ahead, not ahead at last, falls behind, or undecided",
            "first": "least samples' worth at which the two are compared",
            "last": "largest samples' worth at which the two are compared",
        },
    ),
    CsvFile(
        "figures/fig9.csv",
        "dataset method k mean low high n measure tokens labelled part value right "
        "calibration_error",
        {
            "part": "`cost`: a point of the upper panels; `reliability`: a bin of the lower panel",
            "measure": "`accuracy` (of steps) or `first_error`, as in `label_costs`",
            "mean": "the share that `measure` names",
            "n": "number of problems; in rows of reliability, steps in the bin",
            "tokens": "all tokens of the rollouts, for each labelled solution",
            "labelled": "share of the solutions that have labels",
            "value": "mean `value` of the labels in the bin, a share",
            "right": "share of the steps in the bin that are truly right",
        },
    ),
    CsvFile(
        "figures/fig10.csv",
        "reward_model base_parameters train_on group learnt_from dataset mean low high erroneous "
        "correct n seeds",
        {
            "group": "the step labels it learnt from, outcomes alone, released, control, or "
            "reported (published number)",
            "learnt_from": "its heading: the training set, released, control, or reported",
            "mean": "F1 of the first wrong step, 0 to 1: harmonic mean of `erroneous` and "
            "`correct`",
            "erroneous": "share of the wrong solutions whose first wrong step is found",
            "correct": "share of the right solutions in which no step is called wrong",
        },
    ),
    CsvFile(
        "figures/fig11.csv",
        "dataset reward_model base_parameters part x mean low high n seeds",
        {
            "part": "`reliability`: a range of scores; `position`: a quarter of the solution; "
            "`accuracy` of best-of-n; `chosen score`: the score of what it chooses",
            "x": "mean score of the steps in the range, a share; the quarter, from 1; or n",
            "mean": "share of right steps; mean score less it; accuracy; mean score: a share",
        },
    ),
    CsvFile(
        "figures/controls.csv",
        "policy dataset selection group budget mean low high n seeds",
        {
            "selection": "way of choosing one of the samples",
            "group": "control (knows no label, or learnt nothing), PRM, or bound (the oracle)",
        },
    ),
    CsvFile(
        "figures/granularity.csv",
        "dataset measure strategy rule steps kind budget mean low high n seeds",
        {
            "dataset": "data set whose solutions they are",
            "measure": "accuracy, or within_auc: area under the ROC curve among the solutions of a "
            "validation problem",
            "rule": "rule that splits solutions into steps; empty without a reward model",
            "steps": "mean steps of a solution",
            "mean": "the share that `measure` names",
            "low": "lower end of the interval; of within_auc, the lowest training seed",
            "high": "upper end of the interval; of within_auc, the highest training seed",
        },
    ),
    CsvFile(
        "figures/temperature.csv",
        "policy dataset temperature strategy budget mean low high n seeds",
        {
            "policy": "the samples: their policy, and its sampling where it is not that of "
            "policies.sampling",
            "temperature": "softmax temperature of the policy",
        },
    ),
    CsvFile(
        "figures/transfer.csv",
        "policy dataset domain budget trained_on misreadable share mean low high n seeds "
        "difference difference_low difference_high",
        {
            "trained_on": "math, code or both: the domains of the training set",
            "misreadable": "number of misreadable wordings of these problems, the same in all rows",
            "share": "share of a problem's misreadable wordings that problems of the other domain "
            "use, too",
            "n": "number of problems at this share",
            "difference": "`mean` less that of the reward model trained on the data set's domain, "
            "a share; empty for that reward model",
        },
    ),
    CsvFile(
        "figures/table1.csv",
        "source policy dataset method budget mean low high n",
        {"method": "way of selection: none, majority, PRM-Math or PRM-Code"},
    ),
    CsvFile(
        "figures/table2.csv",
        "source policy reference first second comparison mean low high n seeds p comparable",
        SIMILARITY,
    ),
]
