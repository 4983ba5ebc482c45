"""From a merged configuration to a `Study`, or to one error for people: each fault with file, line,
key, value, hint.

Beyond the types that `study` declares, references must lead somewhere and what is asked for must be
possible.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.errors import UserError
from prmscale.search import STRATEGIES, TREE_STRATEGIES
from prmscale.study import GENERATED, VALIDATION, Study

Location = tuple[str | int, ...]


class _Fault(BaseModel):
    """One thing wrong: where, what stands there, why it is wrong, what could stand there."""

    where: Location
    value: Any
    message: str
    candidates: list[str] = []


def load(config: Mapping[str, Any], files: Sequence[str | Path] = ()) -> Study:
    """The study that a merged configuration describes; `files` are its YAML files, the last one
    laid on top.

    Raises UserError listing every fault with file, line, key, value, candidates and a hint.
    """
    faults: list[_Fault] = []
    study = None
    try:
        study = Study.model_validate(dict(config))
        faults = _dangling(study)
    except ValidationError as error:
        faults = _most_telling([_fault(config, e) for e in error.errors()])
    if faults or study is None:
        raise UserError(
            "\n".join(
                ["The configuration cannot be used:", *(_say(fault, files) for fault in faults)]
            )
        )
    return study


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises UserError naming file, line and column of what is no valid
    YAML.
    """
    try:
        found = yaml.safe_load(Path(path).read_text())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(
            f"{place}: not valid YAML: {error.problem or error.context}. Check indentation "
            "(spaces, no tabs), a space after each colon and closing brackets and quotes there "
            "and on the line before"
        ) from error
    if not isinstance(found, dict | None):
        raise UserError(
            f"{path}: not a configuration: it holds a {type(found).__name__}, not keys and values"
        )
    return found or {}


_TAGS = (
    "function-",
    "tagged-",
    "constrained-float",
    "dict[",
)  # what pydantic adds to a place to name a type


def _most_telling(faults: Sequence[_Fault]) -> list[_Fault]:
    """One fault a place: of a value that may be of several types the first, or those further inside
    it.
    """
    places = [fault.where for fault in faults]
    return [
        fault
        for i, fault in enumerate(faults)
        if fault.where not in places[:i]
        and not any(
            len(p) > len(fault.where) and p[: len(fault.where)] == fault.where for p in places
        )
    ]


def _fault(config: Mapping[str, Any], error: Any) -> _Fault:
    """A pydantic error in our words."""
    where = tuple(part for part in error["loc"] if not str(part).startswith(_TAGS))
    message = re.sub("^(Value error, |Input )", "", error["msg"])
    if error["type"] == "extra_forbidden":
        return _Fault(
            where=where,
            value=error["input"],
            message="no such key",
            candidates=_keys(Study, where[:-1]),
        )
    if error["type"] == "missing":
        return _Fault(where=where, value=None, message="this key is required and missing")
    return _Fault(where=where, value=error["input"], message=message)


def _keys(block: Any, where: Location) -> list[str]:
    """The keys that a block at `where` may have."""
    schema = block.model_json_schema()
    node = schema
    for part in where:
        node = (
            node.get("items", {})
            if isinstance(part, int)
            else node.get("properties", {}).get(part, {})
        )
        node = next(
            (option for option in node.get("anyOf", []) if option.get("type") != "null"), node
        )
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return list(node.get("properties", {}))


def _dangling(study: Study) -> list[_Fault]:
    """References to things that do not exist, names used twice, and budgets nobody can reach."""
    datasets = [d.name for d in study.datasets]
    pretraining = study.policies.pretraining
    ladder = [m.name for m in pretraining.ladder]
    models = [*ladder, *(f"{n}@{p}" for n in ladder for p in pretraining.checkpoints)]
    models += [m.name for m in study.policies.released]
    sets = [s.name for s in study.rewards.data]
    wanted: list[tuple[Location, str, list[str]]] = [
        (("labels", "policy"), study.labels.policy, models)
    ]
    for i, data in enumerate(study.rewards.data):
        wanted += [
            (("rewards", "data", i, "datasets", j), name, datasets)
            for j, name in enumerate(data.datasets)
        ]
        wanted += [
            (("rewards", "data", i, "policies", j), name, models)
            for j, name in enumerate(data.policies)
        ]
        corpora = [c.name for c in study.corpora]
        wanted += [
            (("rewards", "data", i, "corpora", j), name, corpora)
            for j, name in enumerate(data.corpora)
        ]
        wordings = list(study.world.misreading_rates)
        wanted += [
            (("rewards", "data", i, "wordings", j), w, wordings)
            for j, w in enumerate(data.wordings or [])
        ]
    wanted += [
        (("labels", "consensus", i), name, models) for i, name in enumerate(study.labels.consensus)
    ]
    for i, model in enumerate(study.rewards.models):
        wanted += [
            (("rewards", "models", i, "base"), model.base, models),
            (("rewards", "models", i, "data"), model.data, sets),
        ]
    for i, evaluation in enumerate(study.search.evaluations):
        wanted.append((("search", "evaluations", i, "policy"), evaluation.policy, models))
        wanted += [
            (("search", "evaluations", i, "datasets", j), name, datasets)
            for j, name in enumerate(evaluation.datasets)
        ]
    for key, names in (("strategies", list(STRATEGIES)), ("aggregations", list(AGGREGATIONS))):
        wanted += [(("search", key, i), n, names) for i, n in enumerate(getattr(study.search, key))]
    for key, options in (
        ("reward_models", study.reward_model_names()),
        ("strategies", TREE_STRATEGIES),
        ("aggregations", AGGREGATIONS),
    ):
        wanted += [
            (("search", "tree", key, i), n, list(options))
            for i, n in enumerate(getattr(study.search.tree, key))
        ]
    wanted += [
        (("search", "likelihoods", i), name, models)
        for i, name in enumerate(study.search.likelihoods)
    ]
    reference = study.analysis.patterns.reference
    wanted += [(("analysis", "patterns", "reference"), reference, models)] if reference else []
    wanted.append(
        (
            ("analysis", "aggregation"),
            study.analysis.aggregation,
            [VALIDATION, *study.search.aggregations],
        )
    )
    faults = [
        _Fault(
            where=where, value=value, message="refers to nothing in this study", candidates=options
        )
        for where, value, options in wanted
        if value not in options
    ]
    return faults + _impossible(study)


def _impossible(study: Study) -> list[_Fault]:
    """Values that are fine alone and impossible together."""
    faults = []
    for where, names in (
        (("datasets",), [d.name for d in study.datasets]),
        (
            ("corpora",),
            list(dict.fromkeys(d.name for d in study.datasets)) + [c.name for c in study.corpora],
        ),
        (
            ("policies",),
            [m.name for m in study.policies.pretraining.ladder]
            + [m.name for m in study.policies.released],
        ),
        (("rewards", "data"), [d.name for d in study.rewards.data]),
        (("rewards", "models"), study.reward_model_names()),
    ):
        faults += [
            _Fault(where=where, value=name, message="this name is used twice")
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        ]
    tests = [(e.policy, name) for e, name in study.tests()]
    faults += [
        _Fault(
            where=("search", "evaluations"),
            value=" on ".join(test),
            message="this is evaluated twice",
        )
        for test in dict.fromkeys(tests)
        if tests.count(test) > 1
    ]
    faults += _missing_files(study)
    budgets, reach = (
        study.search.budgets,
        max([e.samples for e in study.search.evaluations], default=0),
    )
    if budgets != sorted(set(budgets)) or budgets[:1] != [1]:
        faults.append(
            _Fault(
                where=("search", "budgets"),
                value=budgets,
                message="wants increasing budgets from 1",
            )
        )
    elif reach and budgets[-1] > reach:
        faults.append(
            _Fault(
                where=("search", "budgets"),
                value=budgets,
                message=f"no evaluation has more than {reach} samples",
            )
        )
    agreeing = len(set(study.labels.consensus))
    if "consensus" in study.labels.compare.methods and agreeing < 2:
        faults.append(
            _Fault(
                where=("labels", "compare", "methods"),
                value="consensus",
                message=f"wants two or more policies in labels.consensus, which has {agreeing}",
            )
        )
    for i, data in enumerate(study.rewards.data):
        if data.datasets and data.labels == "consensus" and agreeing < 2:
            faults.append(
                _Fault(
                    where=("rewards", "data", i, "labels"),
                    value="consensus",
                    message=f"wants two or more policies in labels.consensus, which has {agreeing}",
                )
            )
        for name in data.datasets:
            dataset = next((d for d in study.datasets if d.name == name), None)
            if dataset and not dataset.train:
                faults.append(
                    _Fault(
                        where=("rewards", "data", i),
                        value=name,
                        message="this data set has no train problems",
                    )
                )
            if dataset and data.labels == "oracle" and dataset.source not in GENERATED:
                faults.append(
                    _Fault(
                        where=("rewards", "data", i, "labels"),
                        value="oracle",
                        message=f"the truth of steps is not known for {name}",
                        candidates=["monte_carlo"],
                    )
                )
            if dataset and data.wordings and dataset.source not in GENERATED:
                faults.append(_wordless(i, name))
        faults += [_wordless(i, name) for name in data.corpora if data.wordings]
    return faults


def _wordless(place: int, name: str) -> _Fault:
    """A source of a training set that is restricted to wordings it does not have."""
    where = ("rewards", "data", place, "wordings")
    return _Fault(
        where=where,
        value=name,
        message="only generated data sets have wordings that can be misread",
    )


def _missing_files(study: Study) -> list[_Fault]:
    """Local paths of which nothing exists; hub names are looked up when a job needs them."""
    faults = []
    for i, dataset in enumerate(study.datasets):
        options = [
            (dataset.path or ".").replace("{split}", split)
            for split in ("train", "validation", "test")
        ]
        if not any(Path(option).expanduser().exists() for option in options):
            faults.append(
                _Fault(where=("datasets", i, "path"), value=dataset.path, message="no such file")
            )
    for i, corpus in enumerate(study.corpora):
        if corpus.path is None and corpus.source == "solutions":
            faults.append(
                _Fault(where=("corpora", i), value=corpus.name, message="solutions want a path")
            )
        elif corpus.path is not None and not Path(corpus.path).expanduser().exists():
            faults.append(
                _Fault(where=("corpora", i, "path"), value=corpus.path, message="no such file")
            )
    for i, each in enumerate(study.search.first_errors.process_bench):
        if each.path and not Path(each.path.replace("{split}", each.subset)).expanduser().exists():
            at = ("search", "first_errors", "process_bench", i, "path")
            faults.append(_Fault(where=at, value=each.path, message="no such file"))
    packages = study.code_execution.packages
    if packages and not Path(packages).expanduser().is_dir():
        faults.append(
            _Fault(where=("code_execution", "packages"), value=packages, message="no such folder")
        )
    for block, models in (
        ("policies", [m.model for m in study.policies.released]),
        ("rewards", [m.model for m in study.rewards.released]),
    ):
        for i, model in enumerate(models):
            if model.startswith((".", "/", "~")) and not Path(model).expanduser().exists():
                where = (block, "released", i, "model")
                faults.append(_Fault(where=where, value=model, message="no such folder"))
    return faults


def _say(fault: _Fault, files: Sequence[str | Path]) -> str:
    """One fault as a line for people."""
    key = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.where
    ).lstrip(".")
    value = "" if fault.value is None else f" = {json.dumps(fault.value, default=str)[:80]}"
    hint = ""
    if fault.candidates:
        wrong = str(fault.where[-1] if fault.message == "no such key" else fault.value)
        near = difflib.get_close_matches(wrong, fault.candidates, 1, 0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        hint += f" Possible: {', '.join(fault.candidates)}."
    return f"  {_place(fault.where, files)}{key}{value}: {fault.message}.{hint}"


def _place(where: Location, files: Sequence[str | Path]) -> str:
    """FILE:LINE of the key in the topmost file that sets it, or of the nearest block that holds it.

    A list replaces those of the files below it: what is in it stands in the topmost file that has
    the list.
    """
    in_list = next((at for at, part in enumerate(where) if isinstance(part, int)), len(where))
    found: list[tuple[int, str]] = []
    for file in reversed(files):
        node, depth, line = yaml.compose(Path(file).read_text()), 0, 0
        while depth < len(where) and (child := _child(node, where[depth])) is not None:
            node, depth, line = child, depth + 1, child.start_mark.line + 1
        found.append((min(depth, in_list), f"{file}:{line}: "))
    depth, place = max(found, key=lambda each: each[0], default=(0, ""))
    return place if depth else f"{files[-1]}: " if files else ""


def _child(node: Any, part: str | int) -> Any:
    """The YAML node of a key or list index, or None."""
    if isinstance(node, yaml.SequenceNode):
        return node.value[part] if isinstance(part, int) and part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    return None
