"""The columns of every CSV file and the keys of every JSON file below results/STUDY/.

A column whose name has one meaning everywhere stands in `base.SHARED`. A file explains the columns
that it alone has, and those that mean something else in it. Shares lie between 0 and 1; a
difference of 0.01 is one point.
"""

from __future__ import annotations

from prmscale.columns.base import SHARED, CsvFile
from prmscale.columns.figures import FIGURES
from prmscale.columns.json_files import JSON_FILES
from prmscale.columns.tables import TABLES

__all__ = ["CSV_FILES", "JSON_FILES", "SHARED", "CsvFile"]

CSV_FILES = [*TABLES, *FIGURES]
