"""`claims.md`: how to read it, the claims, what each needs, and the checks beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from prmscale.analysis import checks as sections
from prmscale.analysis import diversity, growth
from prmscale.analysis.claims import WORDS
from prmscale.analysis.verdicts import NOT_MEASURED, NOT_SUPPORTED, Check, Claim, Rules

COMPARED = ["| data set | comparison | effect [low, high] | verdict | n | seeds |", "|---|---|---|---|---|---|"]
ACCURACIES = ["| data set | selection | accuracy [low, high] | n | seeds |", "|---|---|---|---|---|"]


def render(claims: Sequence[Claim], checks: Sequence[Check], rules: Rules) -> str:
    """The whole page."""
    lines = ["# The paper's claims, measured here", "", _how_to_read(rules), "", *_size(checks)]
    lines += [
        "| claim | metric | effect [low, high] | verdict | reported | n | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for c in claims:
        cells = (c.claim, c.metric, _effect(c), c.verdict, c.reported or "–", c.n or "–", c.seeds or "–")
        lines.append(_row(cells))
    lines += ["", "## What each claim says, and what it takes", ""]
    for name, (says, needs) in WORDS.items():
        counts = Counter(c.verdict for c in claims if c.claim == name)
        here = ", ".join(f"{count} {word}" for word, count in counts.items()) or NOT_MEASURED
        lines.append(f"- **{name}**: {says} {needs} Here: {here}.")
    return "\n".join([*lines, *_verification(checks), *_growth(checks), *_diversity(checks), *_transfer(checks)]) + "\n"


def _how_to_read(rules: Rules) -> str:
    """The paragraph above the table."""
    return (
        f"Effects are differences of accuracy as fractions (0.01 is one point), with {rules.level:.0%} intervals "
        "(unless the metric says otherwise) from a paired bootstrap: both sides see the same resampled problems and "
        f"training seeds. *Supported* means that the whole interval lies above {rules.minimum_effect:g} (for "
        f"equivalence: within ±{rules.equivalence_margin:g}), *not supported* that all of it lies on the other side, "
        "*inconclusive* neither; a claim of two parts needs both. The rules were fixed before the run. The intervals "
        "cover the choice of problems and, where a reward model was trained with more than one seed, of training "
        "seeds; with one seed they say nothing of others, and with two or three only roughly. They are not corrected "
        f"for their number. Step scores are aggregated by {rules.aggregation}; *reported* is the paper's own number, "
        "where it prints one; *n* is the number of problems, *seeds* that of training seeds on the side that has most."
    )


def _size(checks: Sequence[Check]) -> list[str]:
    """Problems and seeds of the study, in one line."""
    rows = [c for c in checks if c.section == sections.ACCURACY]
    if not rows:
        return []
    problems = {c.dataset: max(r.n for r in rows if r.dataset == c.dataset) for c in rows}
    told = ", ".join(f"{n} of {dataset}" for dataset, n in problems.items())
    return [f"Test problems: {told}. Training seeds of a reward model: {max(r.seeds for r in rows)}.", ""]


def _verification(checks: Sequence[Check]) -> Iterator[str]:
    yield from (
        "",
        "## Does the PRM verify?",
        "",
        "A PRM that verifies beats one sample, random choice, majority, every ranking by a language model's own "
        "probabilities and the PRMs that learnt nothing (untrained, or trained on shuffled labels), all on the same "
        "samples at the largest n, and stays below the oracle (pass@n).",
        "",
        *ACCURACIES,
    )
    for c in _of(checks, sections.ACCURACY):
        interval = f"{c.effect:.3f} [{c.low:.3f}, {c.high:.3f}]"
        yield _row((c.dataset, c.comparison, interval, c.n, c.seeds))
    yield from (
        "",
        "### The largest PRM against each control",
        "",
        "The best likelihood control is chosen on these very problems, in its favour. Targets were stated beforehand: "
        f"{100 * sections.OVER_ONE_SAMPLE:.0f} points over one sample, {100 * sections.OVER_LIKELIHOOD:.0f} over the "
        "best likelihood.",
        "",
        *_compared(_of(checks, sections.VERIFIES)),
        "",
        "### Does accuracy fall with n?",
        "",
        "The worst step from one n to the next, of the largest PRM and of any; picked from many, so that a fall "
        "that is barely certain may be chance. *Supported*: accuracy rises; *not supported*: it falls. "
        f"{_fallen(_of(checks, sections.FALLS))}",
        "",
        *_compared(_of(checks, sections.FALLS)),
    )


def _fallen(steps: Sequence[Check]) -> str:
    fallen = [c for c in steps if c.verdict == NOT_SUPPORTED]
    if not steps:
        return "It was not measured."
    if not fallen:
        return "No fall is certain: no interval lies below zero."
    worst = min(fallen, key=lambda c: c.effect)
    return f"The largest certain fall is {-100 * worst.effect:.1f} points ({worst.comparison}, {worst.dataset})."


def _growth(checks: Sequence[Check]) -> Iterator[str]:
    yield from (
        "",
        "## Does accuracy grow?",
        "",
        "The largest n; each step from one size to the next at full pre-training, and from one pre-training budget of "
        "a size to the next. *Flattening* is the bend of accuracy over log2 of the parameters: above zero, a doubling "
        "gains less the larger the model. The two curves, a line and a − b·N^−c, are compared by how well each "
        "predicts a size that it has not seen; with four sizes or fewer that says little.",
        "",
        *_compared(_of(checks, growth.SECTION)),
    )


def _diversity(checks: Sequence[Check]) -> Iterator[str]:
    yield from (
        "",
        "## Does diversity of the training set pay at equal size?",
        "",
        "The largest n; reward models whose training sets hold equally many solutions and differ in how many wordings "
        "with a popular misreading, or how many problems, these are about: what a doubling gains, from a line through "
        "all levels.",
        "",
        *_compared(_of(checks, diversity.SECTION)),
    )


def _transfer(checks: Sequence[Check]) -> Iterator[str]:
    yield from (
        "",
        "## Does a PRM trained on math select code?",
        "",
        "On code at the largest n: better than one sample, and than a PRM (of the same base, where there is one) that "
        "was never trained?",
        "",
        *_compared(_of(checks, sections.TRANSFER)),
    )


def _compared(checks: Iterable[Check]) -> list[str]:
    rows = [_row((c.dataset, c.comparison, _effect(c), c.verdict or "–", c.n, c.seeds)) for c in checks]
    return [*COMPARED, *rows] if rows else ["Not yet measured."]


def _of(checks: Iterable[Check], section: str) -> list[Check]:
    return [c for c in checks if c.section == section]


def _effect(found: Claim | Check) -> str:
    return "–" if np.isnan(found.effect) else f"{found.effect:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
