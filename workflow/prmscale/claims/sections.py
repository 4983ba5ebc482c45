"""The sections of `claims.md` below the claims: what was measured beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from prmscale.analysis import diversity, emergence, growth
from prmscale.analysis.verdicts import NOT_SUPPORTED, Check, Rules
from prmscale.claims import checks as general
from prmscale.claims import math_to_code
from prmscale.claims.cells import (
    format_accuracy,
    format_difference,
    format_effect,
    format_points,
    format_row,
)

COMPARED = [
    "| data set | comparison | effect [low, high] | verdict | n | seeds |",
    "|---|---|---|---|---|---|",
]
ACCURACIES = [
    "| data set | selection | accuracy [low, high] | n | seeds |",
    "|---|---|---|---|---|",
]
TRANSFERRED = [
    "| policy | tested on | trained on | accuracy [low, high] | difference [low, high] | as good | "
    "n | seeds |",
    "|---|---|---|---|---|---|---|---|",
]
# section of the checks: its heading, and what it shows
SECTIONS = {
    growth.SECTION: (
        "Does accuracy grow?",
        "The largest n; each step from one size to the next at full pre-training, and from one "
        "pre-training budget of a size to the next. The *gain per doubling* is a step's gain over "
        "the doublings of the size that it spans. *Flattening* is the bend of accuracy over log2 "
        "of the parameters: above zero, a doubling gains less the larger the model. The three "
        "forms of growth are compared by how well each predicts a size that it has not seen; with "
        "four sizes or fewer that says little.",
    ),
    emergence.SECTION: (
        "Does accuracy leap along training?",
        "The paper's figure 2 shows a plateau, a sudden leap and a slow rise. Over log2 of the "
        "training steps, smooth growth (logarithm, power law, saturating, or a sigmoid that takes "
        "two doublings or more) and a logarithm with a jump between two checkpoints are fitted to "
        "accuracy, and to minus the loss on validation problems, a continuous measure that cannot "
        "leap merely because it is coarse. The effect is how much closer the jump lies to the "
        f"points (root mean square). The test needs {emergence.FEWEST} checkpoints; one training "
        "seed decides nothing, and two or three find only large jumps.",
    ),
    diversity.SECTION: (
        "Does diversity of the training set pay at equal size?",
        "The largest n; reward models whose training sets hold equally many solutions and differ "
        "in how many wordings with a popular misreading, or how many problems, these are about, or "
        "in how many policies wrote them: what a doubling gains, from a line through all levels.",
    ),
    math_to_code.SECTION: (
        "Does a PRM trained on math select code?",
        "On code at the largest n: better than one sample, and than a PRM (of the same base, where "
        "there is one) that was never trained?",
    ),
}


def write_sections(checks: Sequence[Check], transfer: pd.DataFrame, rules: Rules) -> Iterator[str]:
    """The lines of all sections."""
    yield from _write_verification(checks)
    for section, (heading, words) in SECTIONS.items():
        yield from ("", f"## {heading}", "", words, "", *_tabulate(_keep(checks, section)))
    yield from _write_transfer(transfer, rules)


def _write_verification(checks: Sequence[Check]) -> Iterator[str]:
    yield from (
        "## Does the PRM verify?",
        "",
        "A PRM that verifies beats one sample, random choice, majority, every ranking by a "
        "language model's own probabilities and the PRMs that learnt nothing (untrained, or "
        "trained on shuffled labels), all on the same samples at the largest n, and stays below "
        "the oracle (pass@n).",
        "",
        *ACCURACIES,
    )
    for c in _keep(checks, general.ACCURACY):
        measured = format_accuracy(c.effect, c.low, c.high)
        yield format_row((c.dataset, c.comparison, measured, c.n, c.seeds))
    steps = _keep(checks, general.FALLS)
    yield from (
        "",
        "### The largest PRM against each control",
        "",
        "The best likelihood control is chosen on these very problems, in its favour. Targets "
        f"were stated beforehand: {100 * general.OVER_ONE_SAMPLE:.0f} points over one sample, "
        f"{100 * general.OVER_LIKELIHOOD:.0f} over the best likelihood.",
        "",
        *_tabulate(_keep(checks, general.VERIFIES)),
        "",
        "### Does accuracy fall with n?",
        "",
        "The worst step from one n to the next, of the largest PRM and of any; picked from many, "
        "so that a fall that is barely certain may be chance. *Supported*: accuracy rises; *not "
        f"supported*: it falls. {_describe_falls(steps)}",
        "",
        *_tabulate(steps),
    )


def _describe_falls(steps: Sequence[Check]) -> str:
    if not steps:
        return "It was not measured."
    certain = [c for c in steps if c.verdict == NOT_SUPPORTED]
    if not certain:
        return "No fall is certain: no interval lies below zero."
    worst = min(certain, key=lambda c: c.effect)
    where = f"{worst.comparison}, {worst.dataset}"
    return f"The largest certain fall is {-100 * worst.effect:.1f} points ({where})."


def _write_transfer(transfer: pd.DataFrame, rules: Rules) -> Iterator[str]:
    yield from (
        "",
        "### What a PRM is trained on, and what it is tested on",
        "",
        "PRMs of one base and recipe at the largest n. The difference is to the one trained on "
        "the data set's own domain, with 90 % intervals; *supported* means as good, within "
        f"±{format_points(rules.margin)} points.",
        "",
    )
    if transfer.empty:
        yield "Not yet measured."
        return
    yield from TRANSFERRED
    for r in transfer.itertuples():
        measured = format_accuracy(r.accuracy, r.low, r.high)
        difference, verdict = "–", "–"
        if not pd.isna(r.difference):
            difference = format_difference(r.difference, r.difference_low, r.difference_high)
            verdict = r.verdict
        where = f"{r.dataset} ({r.domain}, n = {r.budget})"
        cells = (r.policy, where, r.trained_on, measured, difference, verdict, r.n, r.seeds)
        yield format_row(cells)


def _tabulate(checks: Iterable[Check]) -> list[str]:
    rows = []
    for c in checks:
        cells = (c.dataset, c.comparison, format_effect(c), c.verdict or "–", c.n, c.seeds)
        rows.append(format_row(cells))
    return [*COMPARED, *rows] if rows else ["Not yet measured."]


def _keep(checks: Iterable[Check], section: str) -> list[Check]:
    return [c for c in checks if c.section == section]
