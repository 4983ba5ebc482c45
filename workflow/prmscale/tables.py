"""The tables between the stages: Parquet with named, typed columns, written whole or not at all.

A table may carry more columns than listed here; a reader that meets a missing or mistyped one says
which.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from pandas.api import types

from prmscale.errors import UserError
from prmscale.files import atomic_write

SOLUTION_KEY = ["problem_id", "solution_id"]  # what names a solution within a policy's table

SCHEMAS: dict[str, dict[str, str]] = {
    "problems": {
        "problem_id": "text",
        "domain": "text",
        "split": "text",
        "prompt": "text",
        "answer": "text",  # JSON
        "tests": "text",  # JSON
        "difficulty": "integer",
        "source": "text",
        "licence": "text",
    },
    "solutions": {
        "problem_id": "text",
        "solution_id": "integer",  # the draw: 0, 1, ... within the problem
        "policy": "text",
        "steps": "list",
        "text": "text",
        # the canonical final answer that majority voting counts; missing where there is none
        "answer": "text",
        # stop | length: cut, so wrong | partial: a path of a corpus that ends nowhere
        "finish_reason": "text",
        "tokens": "integer",
        "correct": "boolean",
        "logprob": "number",  # sum of token log-probabilities at temperature 1
        "min_logprob": "number",  # the lowest of them
        # self-certainty: mean KL from uniform to the next-token distribution
        "self_certainty": "number",
        "prefix_tokens": "integer",  # read before the first step: the prompt
        "flops": "number",  # of reading the prompt and writing the solution
        "prefix_flops": "number",  # of reading the prompt alone
        # beside them found_by, the rule that found the answer, or the program, in the text; and
        # thought, what a reasoning model thought before its reply
    },
    "labels": {
        "problem_id": "text",
        "solution_id": "integer",
        "step": "integer",  # 0, 1, ... within the solution
        "method": "text",
        "rollouts": "integer",
        "successes": "integer",
        "value": "number",  # fraction of rollouts that succeed
        "label": "integer",  # 1 right so far, 0 wrong
        "decision": "text",  # the method's rule: when a step is called right
        "policy": "text",
        # a hash of the policy's weights, or the hub's commit; empty where no policy labels
        "weights": "text",
        "k": "integer",  # K: rollouts of a prefix, or the most of them; 0 where there are none
        "temperature": "number",
        "seed": "integer",
        "tokens_spent": "integer",
        "truth": "number",  # 1 right so far, 0 wrong; missing where it is not known
    },
    "spending": {
        "problem_id": "text",
        "method": "text",
        "k": "integer",
        "solutions": "integer",  # given to the labeller, or written by its tree
        "labelled": "integer",  # those that have labels
        "rollouts": "integer",  # all that were drawn, whether or not they gave a label
        "tokens": "integer",  # of these
    },
    "scores": {
        "dataset": "text",
        "problem_id": "text",
        "solution_id": "integer",
        "step": "integer",
        "text": "text",  # of the step
        "truth": "number",  # 1 right so far, 0 wrong; missing where it is not known
        "correct": "boolean",  # the whole solution
        "reward_model": "text",
        "role": "text",  # math or code: what the reward model stands for
        "replicate": "integer",  # number of its training, from 1
        "score": "number",
    },
    "first_errors": {
        "dataset": "text",
        "problem_id": "text",
        "solution_id": "integer",  # in order, within the data set
        "reward_model": "text",
        "replicate": "integer",  # number of the reward model's training, from 1
        "threshold": "number",  # a step whose score is below is said to be wrong
        "first_error": "integer",  # the first wrong step from 0; -1 where there is none
        "predicted": "integer",  # the one that the reward model names
    },
    "search": {
        "problem_id": "text",
        "domain": "text",
        "dataset": "text",
        "difficulty": "integer",  # of the problem; 0 where it is not known
        "policy": "text",
        # empty for strategies that use none; base_likelihood: the language model
        "reward_model": "text",
        "training_step": "integer",  # of the reward model; -1 where there is none
        "strategy": "text",
        # of step scores: last, min, product, mean, sum; of token log-probabilities: sum, mean, min;
        # else empty
        "aggregation": "text",
        "budget": "integer",  # samples' worth
        "replicate": "integer",  # number of the reward model's training, from 1
        "answer": "text",
        "correct": "number",  # 1, 0, or the expected value where the strategy draws at random
        "policy_tokens": "integer",
        "reward_tokens": "integer",
        "flops": "number",  # of policy and reward model, every prefix read anew each time
        "flops_cached": "number",  # of both, no prefix read twice
        "seconds": "number",  # tokens times what a token took with full batches
        # stop | length | budget: spent before there was a whole solution (counts as wrong)
        "finish_reason": "text",
    },
    "trees": {
        "problem_id": "text",
        "strategy": "text",
        "aggregation": "text",
        "replicate": "integer",  # number of the reward model's training, from 1
        "node": "integer",  # 0 is the first tree's root
        "parent": "integer",  # -1 for a root: the problem
        "step": "text",
        "score": "number",  # of all steps so far, aggregated
        "prior": "number",  # the step's share of its siblings' probability, as PUCT takes it
        "visits": "integer",
        "value": "number",  # what was backed up
        "tokens": "integer",  # written from the problem to here
        "whole": "boolean",
        "chosen": "boolean",  # on the path to the answer
    },
}

_CHECKS = {
    "text": lambda column: types.is_string_dtype(column) or types.is_object_dtype(column),
    "integer": types.is_integer_dtype,
    "number": types.is_numeric_dtype,
    "boolean": types.is_bool_dtype,
    "list": types.is_object_dtype,
}


def check(table: pd.DataFrame, kind: str, where: str) -> pd.DataFrame:
    """Return `table` if it has the columns of `kind`, else raise UserError naming the first fault."""
    for column, wanted in SCHEMAS[kind].items():
        if column not in table:
            raise UserError(
                f"{where}: a {kind} table without the column {column!r}; it has "
                f"{list(table.columns)}"
            )
        # an all-missing text column has no type of its own
        if not _CHECKS[wanted](table[column]) and not table[column].isna().all():
            raise UserError(
                f"{where}: column {column!r} holds {table[column].dtype}, a {kind} table wants "
                f"{wanted}"
            )
    return table


def write(table: pd.DataFrame, path: str | Path, kind: str) -> None:
    """Write a table of a known kind to `path`, whole or not at all."""
    check(table, kind, str(path))
    with atomic_write(path) as aside:
        table.reset_index(drop=True).to_parquet(aside, index=False)


def read(path: str | Path, kind: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table of a known kind; raises UserError for a missing, truncated or foreign file."""
    try:
        table = pd.read_parquet(path, columns=columns)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such table; the rule that makes it has not run") from error
    except Exception as error:  # pyarrow raises several kinds for a damaged file
        raise UserError(
            f"{path}: not a readable Parquet table ({error}); delete it and run again"
        ) from error
    return table if columns else check(table, kind, str(path))


def joined(tables: Sequence[pd.DataFrame], kind: str) -> pd.DataFrame:
    """The rows of all these tables; where there is none, an empty table of this kind."""
    filled = [table for table in tables if len(table)]
    return (
        pd.concat(filled, ignore_index=True)
        if filled
        else pd.DataFrame(columns=list(SCHEMAS[kind]))
    )


def read_all(paths: Sequence[str | Path], kind: str) -> pd.DataFrame:
    """The rows of all these files of a known kind, in order."""
    return joined([read(path, kind) for path in paths], kind)
