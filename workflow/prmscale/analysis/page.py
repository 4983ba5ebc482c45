"""`claims.md`: how to read it, the claims, what each needs, and the checks beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from prmscale.analysis import checks as sections
from prmscale.analysis import diversity, emergence, growth, reply_shares
from prmscale.analysis.claims import WORDS
from prmscale.analysis.power import POWER
from prmscale.analysis.verdicts import INCONCLUSIVE, NOT_MEASURED, NOT_SUPPORTED, Check, Claim, Rules

COMPARED = ["| data set | comparison | effect [low, high] | verdict | n | seeds |", "|---|---|---|---|---|---|"]
ACCURACIES = ["| data set | selection | accuracy [low, high] | n | seeds |", "|---|---|---|---|---|"]


def render(
    claims: Sequence[Claim], checks: Sequence[Check], rules: Rules, transfer: pd.DataFrame, replies: pd.DataFrame
) -> str:
    """The whole page; `transfer` is the table of `transfer.matrix`, `replies` that of `reply_shares.shares`."""
    lines = ["# The paper's claims, measured here", "", _how_to_read(rules), "", *_size(checks), *_cut(replies)]
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
    lines += [*_needed(claims), *_verification(checks), *_growth(checks), *_emergence(checks), *_diversity(checks)]
    return "\n".join([*lines, *_transfer(checks), *_matrix(transfer, rules)]) + "\n"


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


def _cut(table: pd.DataFrame) -> list[str]:
    """How many solutions were cut at the token limit, with a warning where they are many."""
    rows = reply_shares.cut(table).sort_values(reply_shares.BY)
    if rows.empty:
        return []
    told = ", ".join(f"{100 * r.share:.1f} % of {r.policy} on {r.dataset} ({r.purpose})" for r in rows.itertuples())
    many = [f"{r.policy} on {r.dataset}" for r in rows.itertuples() if r.share > reply_shares.MANY]
    warning = (
        f" **Warning**: more than {100 * reply_shares.MANY:.0f} % are cut of {', '.join(dict.fromkeys(many))}: raise "
        "policies.sampling.max_tokens, or read accuracies as those of short solutions."
    )
    return [f"Solutions cut at the token limit, which have no answer and are wrong: {told}.{warning * bool(many)}", ""]


def _needed(claims: Sequence[Claim]) -> Iterator[str]:
    yield from (
        "",
        "## What would decide the inconclusive ones",
        "",
        "Standard errors in points: of the choice of problems, of training seeds, and of their interaction (which "
        f"falls with either); their squares sum to the whole. What is needed gives {POWER:.0%} power if the true "
        "effect is the one measured; an effect that happened to look large wants more.",
        "",
    )
    open_ones = [c for c in claims if c.verdict == INCONCLUSIVE]
    if open_ones:
        yield "| claim | metric | effect [low, high] | problems | seeds | interaction | to decide it |"
        yield "|---|---|---|---|---|---|---|"
    else:
        yield "None is inconclusive."
    for c in open_ones:
        errors = (c.problem_error, c.seed_error, c.interaction_error)
        points = ("–" if error is None else f"{100 * error:.1f}" for error in errors)
        yield _row((c.claim, c.metric, _effect(c), *points, c.needed))


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


def _growth(checks: Sequence[Check]) -> list[str]:
    return _section(
        "## Does accuracy grow?",
        "The largest n; each step from one size to the next at full pre-training, and from one pre-training budget of "
        "a size to the next. The *gain per doubling* is a step's gain over the doublings of the size that it spans. "
        "*Flattening* is the bend of accuracy over log2 of the parameters: above zero, a doubling gains less the "
        "larger the model. The three forms of growth are compared by how well each predicts a size that it has "
        "not seen; with four sizes or fewer that says little.",
        _of(checks, growth.SECTION),
    )


def _emergence(checks: Sequence[Check]) -> list[str]:
    return _section(
        "## Does accuracy leap along training?",
        "The paper's figure 2 shows a plateau, a sudden leap and a slow rise. Over log2 of the training steps, smooth "
        "growth (logarithm, power law, saturating, or a sigmoid that takes two doublings or more) and a logarithm with "
        "a jump between two checkpoints are fitted to accuracy, and to minus the loss on validation problems, which "
        "cannot leap for want of a finer measure. The effect is by how much closer to the points the jump lies (root "
        f"mean square). It wants {emergence.FEWEST} checkpoints; one training seed decides nothing, and two or three "
        "find only large jumps.",
        _of(checks, emergence.SECTION),
    )


def _matrix(transfer: pd.DataFrame, rules: Rules) -> Iterator[str]:
    yield from (
        "",
        "### What a PRM is trained on, and what it is tested on",
        "",
        "PRMs of one base and recipe at the largest n. The difference is to the one trained on the data set's own "
        f"domain, with 90 % intervals; *supported* means as good, to within ±{rules.equivalence_margin:g}.",
        "",
    )
    if transfer.empty:
        yield "Not yet measured."
        return
    yield "| policy | tested on | trained on | accuracy [low, high] | difference [low, high] | as good | n | seeds |"
    yield "|---|---|---|---|---|---|---|---|"
    for r in transfer.itertuples():
        measured = f"{r.accuracy:.3f} [{r.low:.3f}, {r.high:.3f}]"
        difference, verdict = "–", "–"
        if not pd.isna(r.difference):
            difference = f"{r.difference:+.3f} [{r.difference_low:+.3f}, {r.difference_high:+.3f}]"
            verdict = r.verdict
        where = f"{r.dataset} ({r.domain}, n = {r.budget})"
        yield _row((r.policy, where, r.trained_on, measured, difference, verdict, r.n, r.seeds))


def _diversity(checks: Sequence[Check]) -> list[str]:
    return _section(
        "## Does diversity of the training set pay at equal size?",
        "The largest n; reward models whose training sets hold equally many solutions and differ in how many wordings "
        "with a popular misreading, or how many problems, these are about, or in how many policies wrote them: what a "
        "doubling gains, from a line through all levels.",
        _of(checks, diversity.SECTION),
    )


def _transfer(checks: Sequence[Check]) -> list[str]:
    return _section(
        "## Does a PRM trained on math select code?",
        "On code at the largest n: better than one sample, and than a PRM (of the same base, where there is one) that "
        "was never trained?",
        _of(checks, sections.TRANSFER),
    )


def _section(heading: str, words: str, checks: Iterable[Check]) -> list[str]:
    return ["", heading, "", words, "", *_compared(checks)]


def _compared(checks: Iterable[Check]) -> list[str]:
    rows = [_row((c.dataset, c.comparison, _effect(c), c.verdict or "–", c.n, c.seeds)) for c in checks]
    return [*COMPARED, *rows] if rows else ["Not yet measured."]


def _of(checks: Iterable[Check], section: str) -> list[Check]:
    return [c for c in checks if c.section == section]


def _effect(found: Claim | Check) -> str:
    return "–" if np.isnan(found.effect) else f"{found.effect:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
