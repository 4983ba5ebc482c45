"""`claims.md`: six lines that answer, how to read them, a section for each claim, and the checks
beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from prmscale.analysis import diversity, emergence, growth, reply_shares
from prmscale.analysis.power import POWER
from prmscale.analysis.verdicts import NOT_MEASURED, NOT_SUPPORTED, Check, Claim, Rules
from prmscale.claims import checks as sections
from prmscale.claims.claims import WORDS

COMPARED = [
    "| data set | comparison | effect [low, high] | verdict | n | seeds |",
    "|---|---|---|---|---|---|",
]
ACCURACIES = [
    "| data set | selection | accuracy [low, high] | n | seeds |",
    "|---|---|---|---|---|",
]
MEASURED = [
    "| metric | data set | effect [low, high] | p | verdict | the paper | n | seeds | errors | to "
    "decide it |",
    "|---|---|---|---|---|---|---|---|---|---|",
]
BY_DESIGN = (
    "Here the problems are generated, and wrong readings of them are popular by design: majority "
    "and likelihood follow the crowd, and only labels tell the right reading. That a PRM beats "
    "these controls shows that it has learnt from its labels; it is no evidence that PRMs beat "
    "them on problems that people wrote."
)


def render(
    claims: Sequence[Claim],
    checks: Sequence[Check],
    rules: Rules,
    transfer: pd.DataFrame,
    replies: pd.DataFrame,
    unspent: pd.DataFrame,
    generated: bool = False,
) -> str:
    """The whole page; `transfer` is the table of `transfer.matrix`, `replies` that of
    `reply_shares.shares`.

    `unspent` is the table of `strategies.unspent`; `generated` says that the benchmarks are this
    project's own worlds.
    """
    lines = [
        "# The paper's claims, measured here",
        "",
        *_answers(claims),
        "",
        _how_to_read(rules),
        "",
    ]
    lines += [*_size(checks), *_cut(replies), *_unspent(unspent)]
    for letter, name in zip("abcdef", WORDS, strict=True):
        lines += _claim(letter, name, [c for c in claims if c.claim == name])
    lines += [
        *_verification(checks, generated),
        *_growth(checks),
        *_emergence(checks),
        *_diversity(checks),
    ]
    return "\n".join([*lines, *_transfer(checks), *_matrix(transfer, rules)]) + "\n"


def _answers(claims: Sequence[Claim]) -> Iterator[str]:
    """One line a claim: what it says, the verdict, its headline's numbers, the paper's number, and
    on what.
    """
    yield "| claim | verdict | measured here, in points [low, high] | the paper | on |"
    yield "|---|---|---|---|---|"
    for letter, (name, (says, _)) in zip("abcdef", WORDS.items(), strict=True):
        own = [c for c in claims if c.claim == name and c.headline]
        reported = next((c.reported for c in own if c.reported), "–")
        yield _row((f"({letter}) {says}", _answer(own), _numbers(own), reported, _on(own)))


def _numbers(headlines: Sequence[Claim]) -> str:
    """What was measured, and on each data set how much; what is alike is said once."""
    by_metric: dict[str, dict[str, list[str]]] = {}
    for c in headlines:
        text = _effect(c) if c.n else f"wants {c.needed}" if c.needed else ""
        by_metric.setdefault(c.metric, {}).setdefault(text, []).append(c.dataset or "all")
    told = []
    for metric, by_text in by_metric.items():
        numbers = (f"{', '.join(datasets)}: {text}" for text, datasets in by_text.items() if text)
        told.append(". ".join([metric, *filter(None, ["; ".join(numbers)])]))
    return "; ".join(told) or "–"


def _answer(headlines: Sequence[Claim]) -> str:
    """The verdict in a word where all data sets agree, else each with its data sets."""
    by_verdict: dict[str, list[str]] = {}
    for c in headlines:
        by_verdict.setdefault(c.verdict, []).append(c.dataset)
    if len(by_verdict) < 2:
        return f"**{next(iter(by_verdict), NOT_MEASURED)}**"
    return "; ".join(
        f"**{verdict}** on {', '.join(datasets)}" for verdict, datasets in by_verdict.items()
    )


def _on(headlines: Sequence[Claim]) -> str:
    """Problems and training seeds behind the numbers."""
    parts = dict.fromkeys(
        f"{c.n} problems, {c.seeds} seed{'s' * (c.seeds != 1)}" for c in headlines if c.n
    )
    return "; ".join(parts) or "–"


def _how_to_read(rules: Rules) -> str:
    """The paragraph below the answers."""
    return (
        f"Effects are differences of accuracy (f: of similarity) in points, with {rules.level:.0%} "
        "intervals (unless the metric says otherwise) over problems and training seeds; both "
        "sides are measured on the same ones. The contrast that a claim's verdict rests on was "
        "named before the run (`claims.headlines`; its defaults stand in the schema): it decides "
        "that contrast, not all that the sentence says. Its p-values are corrected for the number "
        "of data sets (Holm), so that any one claim has a false verdict in at most "
        f"{1 - rules.level:.0%} of studies (the claims are not corrected for each other); where "
        "this decides less than an interval would alone, the verdict counts. All other contrasts "
        f"are *also measured*: with dozens of them, one in {1 / (1 - rules.level):.0f} is "
        "remarkable by luck. *Supported*: the whole interval is above "
        f"{_points(rules.minimum_effect)} (for equivalence: within "
        f"±{_points(rules.equivalence_margin)}); *not supported*: it is on the other side; "
        "*inconclusive*: neither is sure. A claim of two parts needs both. With one training seed "
        "an interval covers the problems alone; with two, t has one degree of freedom, and **two "
        "seeds cannot carry a claim about training**. *Errors* are standard errors in points: of "
        "the choice of problems, of training seeds, and of their interaction (which falls with "
        f"either). What would decide an open row gives {POWER:.0%} power if the true effect is the "
        "one measured; one that happened to look large wants more. Step scores are aggregated by "
        f"{rules.aggregation}; *the paper* is its own number, where it prints one."
    )


def _size(checks: Sequence[Check]) -> list[str]:
    """Problems and seeds of the study, in one line."""
    rows = [c for c in checks if c.section == sections.ACCURACY]
    if not rows:
        return []
    problems = {c.dataset: max(r.n for r in rows if r.dataset == c.dataset) for c in rows}
    told = ", ".join(f"{n} of {dataset}" for dataset, n in problems.items())
    return [
        f"Test problems: {told}. Training seeds of a reward model: {max(r.seeds for r in rows)}.",
        "",
    ]


def _cut(table: pd.DataFrame) -> list[str]:
    """How many solutions were cut at the token limit, with a warning where they are many."""
    rows = reply_shares.cut(table).sort_values(reply_shares.BY)
    if rows.empty:
        return []
    told = ", ".join(
        f"{100 * r.share:.1f} % of {r.policy} on {r.dataset} ({r.purpose})"
        for r in rows.itertuples()
    )
    many = [f"{r.policy} on {r.dataset}" for r in rows.itertuples() if r.share > reply_shares.MANY]
    warning = (
        f" **Warning**: more than {100 * reply_shares.MANY:.0f} % are cut of "
        f"{', '.join(dict.fromkeys(many))}: raise policies.sampling.max_tokens, or read accuracies "
        "as those of short solutions."
    )
    return [
        "Solutions cut at the token limit, which have no answer and are wrong: "
        f"{told}.{warning * bool(many)}",
        "",
    ]


def _unspent(table: pd.DataFrame) -> list[str]:
    """Which strategies left more than 5 % of a budget unspent."""
    if table.empty:
        return []
    told = [
        f"{r.strategy} spent {r.share:.0%} of {r.budget} on {r.dataset}" for r in table.itertuples()
    ]
    return [f"Budgets (in samples' worth) of which more than 5 % was left: {'; '.join(told)}.", ""]


def _claim(letter: str, name: str, claims: Sequence[Claim]) -> Iterator[str]:
    """A claim's section: what it takes, its headline in bold, and what else was measured."""
    says, needs = WORDS[name]
    yield from (f"## ({letter}) {name}", "", f"{says} {needs}", "", *MEASURED)
    for c in sorted(claims, key=lambda c: not c.headline):
        errors = (c.problem_error, c.seed_error, c.interaction_error)
        points = " / ".join("–" if error is None else f"{100 * error:.1f}" for error in errors)
        p = min(c.p_supported, c.p_refuted)
        cells = (
            f"**{c.metric}**" if c.headline else c.metric,
            c.dataset or "–",
            _effect(c),
            "–" if np.isnan(p) else f"{p:.2g}",
            f"**{c.verdict}**" if c.headline else c.verdict,
            c.reported or "–",
            c.n or "–",
            c.seeds or "–",
            points,
            c.needed or "–",
        )
        yield _row(cells)
    yield ""


def _verification(checks: Sequence[Check], generated: bool) -> Iterator[str]:
    yield from (
        "## Does the PRM verify?",
        "",
        "A PRM that verifies beats one sample, random choice, majority, every ranking by a "
        "language model's own probabilities and the PRMs that learnt nothing (untrained, or "
        "trained on shuffled labels), all on the same samples at the largest n, and stays below "
        f"the oracle (pass@n).{' ' + BY_DESIGN if generated else ''}",
        "",
        *ACCURACIES,
    )
    for c in _of(checks, sections.ACCURACY):
        yield _row((c.dataset, c.comparison, _accuracy(c.effect, c.low, c.high), c.n, c.seeds))
    yield from (
        "",
        "### The largest PRM against each control",
        "",
        "The best likelihood control is chosen on these very problems, in its favour. Targets "
        f"were stated beforehand: {100 * sections.OVER_ONE_SAMPLE:.0f} points over one sample, "
        f"{100 * sections.OVER_LIKELIHOOD:.0f} over the best likelihood.",
        "",
        *_compared(_of(checks, sections.VERIFIES)),
        "",
        "### Does accuracy fall with n?",
        "",
        "The worst step from one n to the next, of the largest PRM and of any; picked from many, "
        "so that a fall that is barely certain may be chance. *Supported*: accuracy rises; *not "
        f"supported*: it falls. {_fallen(_of(checks, sections.FALLS))}",
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
        "The largest n; each step from one size to the next at full pre-training, and from one "
        "pre-training budget of a size to the next. The *gain per doubling* is a step's gain over "
        "the doublings of the size that it spans. *Flattening* is the bend of accuracy over log2 "
        "of the parameters: above zero, a doubling gains less the larger the model. The three "
        "forms of growth are compared by how well each predicts a size that it has not seen; with "
        "four sizes or fewer that says little.",
        _of(checks, growth.SECTION),
    )


def _emergence(checks: Sequence[Check]) -> list[str]:
    return _section(
        "## Does accuracy leap along training?",
        "The paper's figure 2 shows a plateau, a sudden leap and a slow rise. Over log2 of the "
        "training steps, smooth growth (logarithm, power law, saturating, or a sigmoid that takes "
        "two doublings or more) and a logarithm with a jump between two checkpoints are fitted to "
        "accuracy, and to minus the loss on validation problems, which cannot leap for want of a "
        "finer measure. The effect is by how much closer to the points the jump lies (root mean "
        f"square). It wants {emergence.FEWEST} checkpoints; one training seed decides nothing, and "
        "two or three find only large jumps.",
        _of(checks, emergence.SECTION),
    )


def _matrix(transfer: pd.DataFrame, rules: Rules) -> Iterator[str]:
    yield from (
        "",
        "### What a PRM is trained on, and what it is tested on",
        "",
        "PRMs of one base and recipe at the largest n. The difference is to the one trained on "
        "the data set's own domain, with 90 % intervals; *supported* means as good, within "
        f"±{_points(rules.equivalence_margin)} points.",
        "",
    )
    if transfer.empty:
        yield "Not yet measured."
        return
    yield "| policy | tested on | trained on | accuracy [low, high] | difference [low, high] | as good | n | seeds |"
    yield "|---|---|---|---|---|---|---|---|"
    for r in transfer.itertuples():
        measured = _accuracy(r.accuracy, r.low, r.high)
        difference, verdict = "–", "–"
        if not pd.isna(r.difference):
            difference = _interval(r.difference, r.difference_low, r.difference_high)
            verdict = r.verdict
        where = f"{r.dataset} ({r.domain}, n = {r.budget})"
        yield _row((r.policy, where, r.trained_on, measured, difference, verdict, r.n, r.seeds))


def _diversity(checks: Sequence[Check]) -> list[str]:
    return _section(
        "## Does diversity of the training set pay at equal size?",
        "The largest n; reward models whose training sets hold equally many solutions and differ "
        "in how many wordings with a popular misreading, or how many problems, these are about, or "
        "in how many policies wrote them: what a doubling gains, from a line through all levels.",
        _of(checks, diversity.SECTION),
    )


def _transfer(checks: Sequence[Check]) -> list[str]:
    return _section(
        "## Does a PRM trained on math select code?",
        "On code at the largest n: better than one sample, and than a PRM (of the same base, where "
        "there is one) that was never trained?",
        _of(checks, sections.TRANSFER),
    )


def _section(heading: str, words: str, checks: Iterable[Check]) -> list[str]:
    return ["", heading, "", words, "", *_compared(checks)]


def _compared(checks: Iterable[Check]) -> list[str]:
    rows = [
        _row((c.dataset, c.comparison, _effect(c), c.verdict or "–", c.n, c.seeds)) for c in checks
    ]
    return [*COMPARED, *rows] if rows else ["Not yet measured."]


def _of(checks: Iterable[Check], section: str) -> list[Check]:
    return [c for c in checks if c.section == section]


def _effect(found: Claim | Check) -> str:
    """In points; small effects (of fits, of similarities) with as many places as their interval
    needs.
    """
    return "–" if np.isnan(found.effect) else _interval(found.effect, found.low, found.high)


def _interval(mean: float, low: float, high: float) -> str:
    """A difference in points, with one place more than tells its interval from a point; alone where
    it has none.
    """
    if np.isnan([low, high]).any():
        return f"{100 * mean:+.1f} (no interval)".replace("-", "−")
    width = 100 * (high - low)
    places = 1 if not width > 0 else max(1, min(4, 1 - int(np.floor(np.log10(width)))))
    # an end that is not zero must not look like zero
    while places < 4 and any(end and not round(100 * end, places) for end in (low, high)):
        places += 1
    text = f"{100 * mean:+.{places}f} [{100 * low:+.{places}f}, {100 * high:+.{places}f}]"
    return text.replace("-", "−")


def _accuracy(mean: float, low: float, high: float) -> str:
    """An accuracy in percent with its interval; alone where it has none."""
    known = not np.isnan([low, high]).any()
    return f"{100 * mean:.1f} " + (
        f"[{100 * low:.1f}, {100 * high:.1f}]" if known else "(no interval)"
    )


def _points(share: float) -> str:
    return f"{100 * share:g}"


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
