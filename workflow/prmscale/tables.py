"""The tables between the stages: Parquet files with named, typed columns, written atomically.

A table may have more columns than listed here. A reader names a column that is missing or has
another type.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pandas.api import types

from prmscale.errors import UserError
from prmscale.files import atomic_write

SOLUTION_KEY = ["problem_id", "solution_id"]  # identifies a solution within a policy's table
GROUP = 2**20  # rows of a row group, as many as pyarrow's default
Type = Literal["text", "integer", "number", "boolean", "list"]


class Column(NamedTuple):
    """Type and meaning of a column."""

    type: Type
    meaning: str


_PROBLEM_ID = Column("text", "DATASET/SPLIT/NUMBER")
_SOLUTION_ID = Column("integer", "number of the draw within the problem, from 0")
_STEP = Column("integer", "number of the step within the solution, from 0")
_DATASET = Column("text", "data set")
_DOMAIN = Column("text", "math, code or knowledge")
_TRUTH = Column("number", "1: the solution is right up to this step, 0: wrong; missing if unknown")
_REPLICATE = Column("integer", "number of the reward model's training, from 1")

SCHEMAS: dict[str, dict[str, Column]] = {
    "problems": {
        "problem_id": _PROBLEM_ID,
        "domain": _DOMAIN,
        "split": Column("text", "train, validation or test"),
        "prompt": Column("text", "the problem"),
        "answer": Column("text", "the right answer, as JSON"),
        "tests": Column("text", "the tests of a program, as JSON"),
        "difficulty": Column("integer", "difficulty; 0 if unknown"),
        "source": Column("text", "where the problem is from"),
        "licence": Column("text", "its licence"),
    },
    "solutions": {
        "problem_id": _PROBLEM_ID,
        "solution_id": _SOLUTION_ID,
        "policy": Column("text", "the policy that wrote the solution"),
        "steps": Column("list", "the text of each step"),
        "text": Column("text", "the whole solution"),
        "answer": Column("text", "canonical final answer that majority counts; missing if none"),
        "finish_reason": Column(
            "text",
            "stop; length: cut at the token limit, which counts as wrong; partial: an unfinished "
            "path of a corpus",
        ),
        "tokens": Column("integer", "generated tokens"),
        "correct": Column("boolean", "whether the solution is correct"),
        "logprob": Column("number", "sum of the tokens' log-probabilities at temperature 1"),
        "min_logprob": Column("number", "lowest log-probability of a token"),
        "self_certainty": Column(
            "number", "mean KL divergence from uniform to the next-token distribution"
        ),
        "prefix_tokens": Column("integer", "tokens of the prompt"),
        "flops": Column("number", "FLOPs of reading the prompt and writing the solution"),
        "prefix_flops": Column("number", "FLOPs of reading the prompt"),
    },
    "labels": {
        "problem_id": _PROBLEM_ID,
        "solution_id": _SOLUTION_ID,
        "step": _STEP,
        "method": Column("text", "label method"),
        "rollouts": Column("integer", "rollouts from this step"),
        "successes": Column("integer", "rollouts that reached the right answer"),
        "value": Column(
            "number",
            "successes / rollouts, what a reading makes of it (`decision`), or the label as 0 or 1 "
            "of a step that had no rollouts, or is right by those of another prefix",
        ),
        "label": Column("integer", "1: right up to this step, 0: wrong"),
        "decision": Column("text", "the rule by which the method calls a step right"),
        "policy": Column("text", "the policy that rolls out"),
        "weights": Column(
            "text", "hash of that policy's weights, or commit on the hub; empty without rollouts"
        ),
        "k": Column("integer", "K: rollouts per prefix, or their maximum; 0 without rollouts"),
        "temperature": Column("number", "sampling temperature"),
        "seed": Column("integer", "seed of the study"),
        "tokens_spent": Column("integer", "tokens of the rollouts"),
        "truth": _TRUTH,
    },
    "spending": {
        "problem_id": _PROBLEM_ID,
        "method": Column("text", "label method"),
        "k": Column("integer", "K: rollouts per prefix, or their maximum"),
        "solutions": Column("integer", "solutions that the method was given, or that it wrote"),
        "labelled": Column("integer", "solutions that have labels"),
        "rollouts": Column("integer", "all rollouts, including those that gave no label"),
        "tokens": Column("integer", "tokens of these rollouts"),
    },
    "scores": {
        "dataset": _DATASET,
        "problem_id": _PROBLEM_ID,
        "solution_id": _SOLUTION_ID,
        "step": _STEP,
        "text": Column("text", "text of the step"),
        "truth": _TRUTH,
        "correct": Column("boolean", "whether the whole solution is correct"),
        "reward_model": Column("text", "the reward model"),
        "role": Column("text", "math or code: the model stands for PRM-Math or PRM-Code"),
        "replicate": _REPLICATE,
        "score": Column("number", "the step's score"),
    },
    "solution_scores": {
        "dataset": _DATASET,
        "policy": Column("text", "the policy that wrote the solution"),
        "split": Column("text", "test; validation: labelled solutions of validation problems"),
        "problem_id": _PROBLEM_ID,
        "solution_id": _SOLUTION_ID,
        "reward_model": Column("text", "the reward model"),
        "replicate": _REPLICATE,
        "scores": Column("list", "the score of each step"),
    },
    "first_errors": {
        "dataset": _DATASET,
        "problem_id": _PROBLEM_ID,
        "solution_id": Column("integer", "number of the solution within the data set"),
        "reward_model": Column("text", "the reward model"),
        "replicate": _REPLICATE,
        "threshold": Column("number", "a step with a lower score is predicted to be wrong"),
        "first_error": Column("integer", "the first wrong step, from 0; -1 if there is none"),
        "predicted": Column("integer", "the first wrong step that the reward model predicts"),
    },
    "reliability": {
        "dataset": _DATASET,
        "policy": Column("text", "the policy that wrote the solution; empty if it is published"),
        "split": Column("text", "test; validation: steps with Monte-Carlo values"),
        "problem_id": _PROBLEM_ID,
        "solution_id": Column("integer", "number of the solution within these of the data set"),
        "step": _STEP,
        "steps": Column("integer", "number of steps of the solution"),
        "truth": _TRUTH,
        "value": Column("number", "share of right rollouts from this step; missing if none"),
        "reward_model": Column("text", "the reward model"),
        "replicate": _REPLICATE,
        "score": Column("number", "the step's score"),
    },
    "search": {
        "problem_id": _PROBLEM_ID,
        "domain": _DOMAIN,
        "dataset": _DATASET,
        "difficulty": Column("integer", "difficulty of the problem; 0 if unknown"),
        "policy": Column("text", "the policy under test"),
        "reward_model": Column(
            "text",
            "the reward model; empty if the strategy uses none; the language model for "
            "base_likelihood",
        ),
        "training_step": Column("integer", "the reward model's training step; -1 without one"),
        "strategy": Column("text", "search strategy"),
        "aggregation": Column(
            "text",
            "of step scores: last, min, product, mean, sum; of token log-probabilities: sum, "
            "mean, min; of self-certainty votes: their exponent (p1 is 1); else empty",
        ),
        "budget": Column("integer", "budget in samples' worth"),
        "replicate": _REPLICATE,
        "answer": Column("text", "the selected answer"),
        "chosen": Column(
            "integer",
            "`solution_id` of the selected sample, of several runs or equals the first; -1 if it "
            "is no recorded sample",
        ),
        "correct": Column(
            "number",
            "1, 0, or a mean: over random draws, or over the disjoint groups of n samples if the "
            "budget n is below all samples",
        ),
        "policy_tokens": Column("integer", "tokens that the policy generated"),
        "reward_tokens": Column(
            "integer", "tokens that the reward model read; a verifier's thoughts count too"
        ),
        "flops": Column("number", "FLOPs of policy and reward model, without a prefix cache"),
        "flops_cached": Column("number", "FLOPs of both if no prefix is read twice"),
        "finish_reason": Column(
            "text", "stop, length, or budget: spent before a whole solution (counts as wrong)"
        ),
        "score": Column(
            "number",
            "aggregated score of the selected solution, a mean like `correct`; missing for "
            "strategies without scores; calibrated where the strategy votes with calibrated scores",
        ),
    },
    "trees": {
        "problem_id": _PROBLEM_ID,
        "strategy": Column("text", "tree strategy"),
        "aggregation": Column("text", "aggregation of step scores"),
        "replicate": _REPLICATE,
        "node": Column("integer", "number of the node; 0 is the root of the first tree"),
        "parent": Column("integer", "number of the parent; -1 for a root, which is the problem"),
        "step": Column("text", "text of the step"),
        "score": Column("number", "aggregated score of all steps so far"),
        "prior": Column("number", "the step's share of its siblings' probability (PUCT)"),
        "visits": Column(
            "integer", "visits of the node; particle filtering: its copies when last resampled"
        ),
        "value": Column(
            "number", "value backed up to the node; particle filtering: its share of the weights"
        ),
        "tokens": Column("integer", "tokens from the problem to this node"),
        "whole": Column("boolean", "whether the solution is complete"),
        "chosen": Column("boolean", "whether the node is on the path to the answer"),
    },
}

# columns of the solutions that policies sample; corpora have none of them
SAMPLED = {
    "found_by": Column("text", "the rule that found the answer, or the program, in the text"),
    "visible": Column(
        "number", "share of the visible tests that the program passes; missing if there are none"
    ),
    "thought": Column("text", "what a reasoning model thought before its reply"),
}

_CHECKS: dict[Type, Callable[[Any], bool]] = {
    "text": lambda column: types.is_string_dtype(column) or types.is_object_dtype(column),
    "integer": types.is_integer_dtype,
    "number": types.is_numeric_dtype,
    "boolean": types.is_bool_dtype,
    "list": types.is_object_dtype,
}


def check(table: pd.DataFrame, kind: str, where: str) -> pd.DataFrame:
    """`table` itself; raises UserError with the first fault unless it has the columns of `kind`."""
    for column, (type_, _) in SCHEMAS[kind].items():
        if column not in table:
            raise UserError(
                f"{where}: a {kind} table without the column {column!r}; it has "
                f"{list(table.columns)}"
            )
        # an all-missing text column has no type of its own
        if not _CHECKS[type_](table[column]) and not table[column].isna().all():
            raise UserError(
                f"{where}: column {column!r} holds {table[column].dtype}; in a {kind} table it "
                f"must hold {type_}"
            )
    return table


def write(table: pd.DataFrame, path: str | Path, kind: str) -> None:
    """Write a table of this kind to `path`, atomically."""
    write_parts([table], path, kind)


def write_parts(parts: Iterable[pd.DataFrame], path: str | Path, kind: str) -> None:
    """Write the rows of all parts, in order, as one table of this kind, atomically.

    In memory are at most GROUP rows and a part. How the rows are parted does not change the file.
    """
    with atomic_write(path) as aside, ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for rows in _regroup(parts, kind):
            check(rows, kind, str(path))
            schema = writer.schema if writer else None
            group = pa.Table.from_pandas(rows, schema, preserve_index=False)
            if writer is None:
                opened = pq.ParquetWriter(aside, group.schema, write_page_checksum=True)
                writer = stack.enter_context(opened)
            writer.write_table(group, row_group_size=GROUP)


def _regroup(parts: Iterable[pd.DataFrame], kind: str) -> Iterator[pd.DataFrame]:
    """The rows in tables of GROUP rows, of which the last may have fewer."""
    waiting: list[pd.DataFrame] = []
    size, is_first = 0, True
    for part in parts:
        waiting.append(part)
        size += len(part)
        while size > GROUP:
            rows = join(waiting, kind)
            yield rows[:GROUP]
            waiting, size, is_first = [rows[GROUP:]], size - GROUP, False
    if size:
        yield join(waiting, kind)
    elif is_first:
        yield waiting[0] if waiting else join([], kind)


def read(
    path: str | Path,
    kind: str,
    columns: list[str] | None = None,
    problems: Collection[str] | None = None,
) -> pd.DataFrame:
    """Read a table of this kind, or these of its columns, or its rows of these `problems` alone,
    without holding the others in memory.

    Raises UserError if the file is missing, truncated or of another kind.
    """
    chosen = None
    if problems is not None:
        chosen = pc.field("problem_id").isin(pa.array([*problems], pa.string()))
    try:
        table = pd.read_parquet(
            path, columns=columns, filters=chosen, page_checksum_verification=True
        )
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such table; the rule that makes it has not run") from error
    except Exception as error:  # pyarrow raises several kinds for a damaged file
        raise UserError(
            f"{path}: not a readable Parquet table ({error}); delete it and run again"
        ) from error
    return table if columns else check(table, kind, str(path))


def join(tables: Sequence[pd.DataFrame], kind: str) -> pd.DataFrame:
    """The rows of all these tables; an empty table of this kind if there are none."""
    filled = [table for table in tables if len(table)]
    return (
        pd.concat(filled, ignore_index=True)
        if filled
        else pd.DataFrame(columns=list(SCHEMAS[kind]))
    )


def read_all(
    paths: Sequence[str | Path], kind: str, problems: Collection[str] | None = None
) -> pd.DataFrame:
    """The rows of all these files of this kind, in order, or those of these problems alone."""
    return join([read(path, kind, problems=problems) for path in paths], kind)


def merge(inputs: Mapping[str, Sequence[str]], outputs: Mapping[str, str]) -> None:
    """Write each output: the rows of the inputs of its name, in order.

    The name is that of the kind of table; `spent` is a table of spending.
    """
    for name, output in outputs.items():
        kind = "spending" if name == "spent" else name
        write_parts((read(path, kind) for path in inputs[name]), output, kind)


def merge_folders(folders: Sequence[Path], outputs: Mapping[str, str]) -> None:
    """Write each output: the rows of the tables of its name in these folders, in order."""
    inputs = {}
    for name in outputs:
        inputs[name] = [str(folder / f"{name}.parquet") for folder in folders]
    merge(inputs, outputs)
