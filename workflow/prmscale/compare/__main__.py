"""Put finished studies side by side: `python -m prmscale.compare laptop desk`.

The first study is the reference, with which each other is compared: configurations, verdicts on the
claims, accuracies, the quality of reward models, and cost. Differences are paired problem by
problem where both studies have the same problems. Everything is written to results/compare/A+B/:
compare.html, and the tables it shows, configuration.csv, claims.csv and numbers.csv.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from prmscale.compare.page import Comparison, render, summarise
from prmscale.compare.studies import read_studies
from prmscale.errors import UserError
from prmscale.files import atomic_write


def main() -> None:
    """Write the comparison and print its summary."""
    parser = argparse.ArgumentParser(prog="python -m prmscale.compare", description=__doc__)
    parser.add_argument("studies", nargs="*", help="names of finished studies in results/")
    names = parser.parse_args().studies
    folder = Path("results/compare", "+".join(names))
    try:
        found = Comparison.of(read_studies(names))
        with atomic_write(folder) as aside:
            aside.mkdir()
            for name, table in found.tables().items():
                table.to_csv(aside / f"{name}.csv", index=False)
            (aside / "compare.html").write_text(render(found), encoding="utf-8")
    except UserError as error:
        sys.exit(str(error))
    print("\n".join([*summarise(found), f"{folder}/compare.html"]))


if __name__ == "__main__":
    main()
