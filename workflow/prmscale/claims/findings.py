"""Everything that a study says about the paper's claims, as lists and as the tables written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

import pandas as pd

from prmscale.analysis import calibration, emergence, spending, strategies, tradeoff, transfer
from prmscale.analysis.rows import keep_first_policy
from prmscale.analysis.verdicts import Check, Claim, Rules, judge_headlines
from prmscale.claims import CLAIMS
from prmscale.claims.checks import compare_with_controls, find_worst_steps, list_accuracies
from prmscale.claims.contrast import Contrast
from prmscale.claims.looks import Views, find_views
from prmscale.results import Results


def _no_transfer() -> pd.DataFrame:
    return pd.DataFrame(columns=transfer.COLUMNS)


def _nothing_unspent() -> pd.DataFrame:
    return pd.DataFrame(columns=[*spending.KEYS, "share"])


@dataclass(frozen=True)
class Findings:
    """What was measured of the claims, and beside them.

    `transfer` is the table of `transfer.measure_matrix`, `unspent` that of
    `strategies.find_unspent`, `scaling_law` that of `tradeoff.table`, and `calibration` that of
    `calibration.measure`. `views` are those of `looks.find_views`, and `policy` wrote the samples.
    """

    claims: Sequence[Claim] = ()
    checks: Sequence[Check] = ()
    transfer: pd.DataFrame = field(default_factory=_no_transfer)
    unspent: pd.DataFrame = field(default_factory=_nothing_unspent)
    scaling_law: pd.DataFrame = field(default_factory=pd.DataFrame)
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame)
    views: Mapping[str, Views] = field(default_factory=dict)
    policy: str = ""

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the names of their files: claims, checks, transfer, scaling_law,
        calibration.
        """
        return {
            "claims": _to_table(self.claims, Claim),
            "checks": _to_table(self.checks, Check),
            "transfer": self.transfer,
            "scaling_law": self.scaling_law,
            "calibration": self.calibration,
        }


def judge_study(results: Results, rules: Rules) -> Findings:
    """All findings of a study. Those about PRMs hold the first policy of the search table fixed."""
    first = keep_first_policy(results.search)
    models = results.reward_models
    return Findings(
        claims=judge_claims(results, rules),
        checks=run_checks(results, rules),
        transfer=transfer.measure_matrix(results.search, models, rules),
        unspent=strategies.find_unspent(first, models, rules.aggregation),
        scaling_law=tradeoff.table(first, models, rules),
        calibration=calibration.measure(calibration.compare(results.reliability), rules.level),
        views=find_views(first, models),
        policy=str(first["policy"].iloc[0]) if len(first) else "",
    )


def judge_claims(results: Results, rules: Rules) -> list[Claim]:
    """Every contrast of every claim, with the headlines marked.

    A headline of the configuration that no module measured is `not yet measured`.
    """
    found: list[Claim] = []
    for module in CLAIMS:
        found += module.judge(results, rules)
    measured = {(claim.claim, claim.contrast) for claim in found}
    for name, contrast in rules.headlines.items():
        if (name, contrast) not in measured:
            missing = Contrast(name, contrast, f"{contrast} (claims.headlines.{name})")
            found.append(missing.leave_open("models or data that this study does not have"))
    return judge_headlines(found, rules)


def run_checks(results: Results, rules: Rules) -> list[Check]:
    """Every check: those that belong to no claim, and those of the claims in between."""
    found = [
        *list_accuracies(results, rules),
        *compare_with_controls(results, rules),
        *find_worst_steps(results, rules),
    ]
    for module in CLAIMS:
        if hasattr(module, "checks"):
            found += module.checks(results, rules)
    first = keep_first_policy(results.search)
    leaps = emergence.check_emergence(first, results.reward_models, rules, results.training)
    return [*found, *leaps]


def _to_table(rows: Sequence[Claim] | Sequence[Check], kind: type) -> pd.DataFrame:
    columns = [each.name for each in fields(kind)]
    return pd.DataFrame([asdict(row) for row in rows], columns=columns)
