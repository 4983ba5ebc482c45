"""Whether the files of a study have the columns and keys that results/README.md names."""

import csv
import json
import re

from prmscale.columns import CSV_FILES, JSON_FILES


def list_undescribed(results):
    """The CSV and JSON files below a study's folder whose columns or keys are described otherwise,
    or not at all.
    """
    csv_files = {_pattern(file.path): file for file in CSV_FILES}
    json_files = {_pattern(path): keys for path, keys in JSON_FILES.items()}
    found = []
    for path in sorted(results.rglob("*")):
        place = str(path.relative_to(results))
        if path.suffix == ".csv":
            file = _find(csv_files, place)
            ok = file is not None and file.allows(read_header(path))
        elif path.suffix == ".json" and (keys := _find(json_files, place)) is not None:
            ok = allows_keys(keys, json.loads(path.read_text()))
        else:  # of a Hugging Face folder
            ok = path.suffix != ".json" or place.startswith(("policies/", "rewards/"))
        if not ok:
            found.append(place)
    return found


def read_header(path):
    """The columns of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def allows_keys(described, card):
    """Whether a JSON file has the keys described, in order."""
    names = [name.strip("[]") for name in described if not name.startswith("[")]
    every = [name.strip("[]") for name in described]
    return [key for key in card if key in names] == names and set(card) <= set(every)


def _pattern(path):
    """A regular expression of a path whose capitals stand for names."""
    path = path.replace("replicateR/", "replicateR/(checkpoints/PERCENT/)?")
    return re.sub(r"R(?=/)|[A-Z]{2,}", "[^/]+", path.replace(".", r"\."))


def _find(by_pattern, place):
    """The value of the first pattern that the place has; None without one."""
    return next((value for p, value in by_pattern.items() if re.fullmatch(p, place)), None)
