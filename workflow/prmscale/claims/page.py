"""`claims.md`: a line for each claim, how to read it, a section for each claim, and the checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from string import ascii_lowercase

import numpy as np
import pandas as pd

from prmscale.analysis import reply_shares
from prmscale.analysis.power import POWER
from prmscale.analysis.verdicts import NOT_MEASURED, Check, Claim, Rules
from prmscale.claims import CLAIMS, ClaimModule, looks
from prmscale.claims.cells import format_effect, format_points, format_row
from prmscale.claims.checks import ACCURACY
from prmscale.claims.findings import Findings
from prmscale.claims.sections import write_sections

BY_DESIGN = (
    "The problems are generated, in a world built to show that a reward model can learn from its "
    "labels what majority and likelihood cannot know (wrong readings of the problems are popular, "
    "and only labels tell the right one); it was not built to show that reward models beat either "
    "on problems that people wrote."
)
ANSWERS = [
    "| claim | verdict | measured here, in points [low, high] | the paper | on |",
    "|---|---|---|---|---|",
]
MEASURED = [
    "| metric | data set | effect [low, high] | p | verdict | the paper | n | seeds | errors | "
    "power | to decide it |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
]


def render(findings: Findings, rules: Rules, replies: pd.DataFrame, generated: bool = False) -> str:
    """The whole page; `replies` is the table of `reply_shares.shares`.

    `generated` says that this project generated the benchmarks.
    """
    lines = [
        "# The paper's claims, measured here",
        "",
        *_write_answers(findings.claims),
        "",
        *([BY_DESIGN, ""] if generated else []),
        _explain(rules),
        "",
        *_write_size(findings.checks),
        *_write_cut(replies),
        *_write_unspent(findings.unspent),
    ]
    for letter, module in zip(ascii_lowercase, CLAIMS, strict=False):
        claims = _keep(findings.claims, module)
        lines += _write_claim(letter, module, claims)
        if module.NAME in findings.views:
            looked_at = looks.write(claims, findings.views[module.NAME], findings.policy)
            lines += [line for each in looked_at for line in (each, "")]
    lines += write_sections(findings.checks, findings.transfer, rules)
    return "\n".join(lines) + "\n"


def _keep(claims: Sequence[Claim], module: ClaimModule) -> list[Claim]:
    return [c for c in claims if c.claim == module.NAME]


def _write_answers(claims: Sequence[Claim]) -> Iterator[str]:
    """One line a claim: its sentence, the verdict, the headline's numbers, the paper's number, and
    how much was measured.
    """
    yield from ANSWERS
    for letter, module in zip(ascii_lowercase, CLAIMS, strict=False):
        headlines = [c for c in _keep(claims, module) if c.headline]
        reported = next((c.reported for c in headlines if c.reported), "–")
        cells = (
            f"({letter}) {module.SAYS}",
            _format_verdicts(headlines),
            _format_numbers(headlines),
            reported,
            _format_counts(headlines),
        )
        yield format_row(cells)


def _format_numbers(headlines: Sequence[Claim]) -> str:
    """What was measured, and how much on each data set; equal texts are written once."""
    by_metric: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for c in headlines:
        text = f"needs {c.needed}" if c.needed else ""
        if c.n:
            text = format_effect(c)
        by_metric[c.metric][text].append(c.dataset or "all")
    parts = []
    for metric, by_text in by_metric.items():
        numbers = [f"{', '.join(datasets)}: {text}" for text, datasets in by_text.items() if text]
        parts.append(f"{metric}. {'; '.join(numbers)}" if numbers else metric)
    return "; ".join(parts) or "–"


def _format_verdicts(headlines: Sequence[Claim]) -> str:
    """The verdict alone where all data sets agree, else each verdict with its data sets."""
    by_verdict: dict[str, list[str]] = defaultdict(list)
    for c in headlines:
        by_verdict[c.verdict].append(c.dataset)
    if len(by_verdict) < 2:
        return f"**{next(iter(by_verdict), NOT_MEASURED)}**"
    parts = [f"**{verdict}** on {', '.join(names)}" for verdict, names in by_verdict.items()]
    return "; ".join(parts)


def _format_counts(headlines: Sequence[Claim]) -> str:
    """Problems and training seeds behind the numbers."""
    parts = [f"{c.n} problems, {c.seeds} seed{'s' * (c.seeds != 1)}" for c in headlines if c.n]
    return "; ".join(dict.fromkeys(parts)) or "–"


def _explain(rules: Rules) -> str:
    """How to read the page: the paragraph below the answers."""
    return (
        "Effects are differences of accuracy (f: of similarity; h: of score and truth) in points, "
        f"with {rules.level:.0%} intervals (unless the metric says otherwise) over problems and "
        "training seeds; both sides of a difference use the same problems and seeds. The "
        "contrast that a claim's verdict rests on was named before the run (`claims.headlines`; "
        "its defaults stand in the schema): it decides that contrast, not all that the sentence "
        "says. Its p-values are corrected for the number of data sets (Holm), so that any one "
        f"claim has a false verdict in at most {1 - rules.level:.0%} of studies (the claims are "
        "not corrected for each other); where this decides less than an interval would alone, "
        "the verdict counts. All other contrasts are *also measured*: with dozens of them, one "
        f"in {1 / (1 - rules.level):.0f} looks remarkable by chance. *Supported*: the whole "
        f"interval is above {format_points(rules.minimum_effect)} (for (e), which says that two "
        f"are as good: within ±{format_points(rules.margin)}); *not supported*: it is on the other "
        "side (the rule of (h) is told there); *equivalent*: it lies within the smallest effect of "
        "interest, "
        f"{_list_smallest(rules)}; *inconclusive*: none is certain. A claim of two parts needs "
        f"both. A headline that rests on fewer than {rules.trainings} trainings of each reward "
        "model is not judged. With one training "
        "seed an interval covers the problems alone; with two, t has one degree of freedom, and "
        "**two seeds cannot carry a claim about training**. *Errors* are standard errors in "
        "points: of the choice of problems, of training seeds, and of their interaction (which "
        "falls with either). *Power* is the chance that a study of this size, with these errors, "
        "tells the smallest effect of interest from none. What would decide an open row gives "
        f"{POWER:.0%} power if the true "
        "effect is the one measured; an effect that looked large by chance needs more. Step "
        f"scores are aggregated by {rules.aggregation}; *the paper* is the number that it prints, "
        "if any."
    )


def _list_smallest(rules: Rules) -> str:
    """The smallest effects of interest, in points, by the letters of the claims."""
    parts = []
    for letter, module in zip(ascii_lowercase, CLAIMS, strict=False):
        smallest = rules.smallest_effects.get(module.NAME)
        if smallest is not None:
            parts.append(f"{format_points(smallest)} ({letter})")
    return f"{', '.join(parts)} points"


def _write_size(checks: Sequence[Check]) -> list[str]:
    """Problems and seeds of the study, in one line."""
    rows = [c for c in checks if c.section == ACCURACY]
    if not rows:
        return []
    problems: dict[str, int] = defaultdict(int)
    for c in rows:
        problems[c.dataset] = max(problems[c.dataset], c.n)
    counts = ", ".join(f"{n} of {dataset}" for dataset, n in problems.items())
    seeds = max(c.seeds for c in rows)
    return [f"Test problems: {counts}. Training seeds of a reward model: {seeds}.", ""]


def _write_cut(replies: pd.DataFrame) -> list[str]:
    """How many solutions were cut at the token limit, with a warning where they are many."""
    rows = list(reply_shares.cut(replies).sort_values(reply_shares.BY).itertuples())
    if not rows:
        return []
    shares = [f"{100 * r.share:.1f} % of {r.policy} on {r.dataset} ({r.purpose})" for r in rows]
    many = [f"{r.policy} on {r.dataset}" for r in rows if r.share > reply_shares.MANY]
    warning = ""
    if many:
        warning = (
            f" **Warning**: more than {100 * reply_shares.MANY:.0f} % are cut of "
            f"{', '.join(dict.fromkeys(many))}: raise policies.sampling.max_tokens, or read "
            "accuracies as those of short solutions."
        )
    return [
        "Solutions cut at the token limit, which have no answer and are wrong: "
        f"{', '.join(shares)}.{warning}",
        "",
    ]


def _write_unspent(table: pd.DataFrame) -> list[str]:
    """Which strategies left more than 5 % of a budget unspent."""
    if table.empty:
        return []
    parts = [
        f"{r.strategy} spent {r.share:.0%} of {r.budget} on {r.dataset}" for r in table.itertuples()
    ]
    return [f"Budgets (in samples' worth) of which more than 5 % was left: {'; '.join(parts)}.", ""]


def _write_claim(letter: str, module: ClaimModule, claims: Sequence[Claim]) -> Iterator[str]:
    """A claim's section: what it needs, its headline in bold, and what else was measured."""
    says = f"{module.SAYS} {module.NEEDS}"
    yield from (f"## ({letter}) {module.NAME}", "", says, "", *MEASURED)
    for c in sorted(claims, key=lambda c: not c.headline):
        errors = (c.problem_error, c.seed_error, c.interaction_error)
        points = ["–" if error is None else f"{100 * error:.1f}" for error in errors]
        p = min(c.p_supported, c.p_refuted, c.p_negligible)
        cells = (
            f"**{c.metric}**" if c.headline else c.metric,
            c.dataset or "–",
            format_effect(c),
            "–" if np.isnan(p) else f"{p:.2g}",
            f"**{c.verdict}**" if c.headline else c.verdict,
            c.reported or "–",
            c.n or "–",
            c.seeds or "–",
            " / ".join(points),
            "–" if np.isnan(c.power) else f"{c.power:.2f}",
            c.needed or "–",
        )
        yield format_row(cells)
    yield ""
