"""What pairs of boosters say of findings that they were not grown on: probabilities, and from them the bound for denials.

Each pair answers with the calibration that its own boosters of other folds gave it (`models.learning.soft_labels`), so the answers of a
pair that was grown on half as many findings are as sure as that pair may be, and no surer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from claimvet.models.learning.calibration_fit import Calibrated
from claimvet.models.metrics.evaluation import FOUND
from claimvet.models.metrics.label_noise import BOOSTER_LABELS
from claimvet.models.policy.guarantee import deny_threshold
from claimvet.models.policy.policy import Policy
from claimvet.models.scoring.claim_model import class_probabilities


def held_out(raw: pd.DataFrame, calibrated: Calibrated, findings: pd.DataFrame) -> pd.DataFrame:
    """Return the three probabilities, those of what is found (`FOUND`), `label` and `decided_by` of findings, one row each.

    `raw` has the log odds of both boosters (columns `BOOSTER_LABELS`, float64) and the index of `findings`.
    """
    answers = {name: getattr(calibrated, name).apply(raw[name].to_numpy(dtype=np.float64)) for name in BOOSTER_LABELS}
    shares = class_probabilities(answers["frivolous"], answers["abusive"], raw.index)
    found = dict(zip(FOUND, calibrated.found(raw, findings["decided_by"]).T, strict=True))
    return shares.assign(**found, label=findings["label"], decided_by=findings["decided_by"])


def bounded(policy: Policy, claims: pd.DataFrame, views: Sequence[pd.DataFrame], calibrated: Calibrated) -> Policy:
    """Return the policy with the strictest bound that a view of held-out findings asks for (`models.policy.guarantee`).

    It has none where a view has too few findings. Each view is as `held_out` gives it, `claims` has their `claim_type`, `calibrated` says
    how often deciders err. Claims change with time, which only findings later than what was learned show; and a pair is surer than the
    earlier ones that those findings are asked of, which only its own folds show.
    """
    bounds = [_bound(policy, claims, view, calibrated) for view in views]
    guaranteed = [bound for bound in bounds if bound is not None]
    return policy.with_deny_threshold(min(guaranteed) if guaranteed and len(guaranteed) == len(bounds) else None)


def _bound(policy: Policy, claims: pd.DataFrame, view: pd.DataFrame, calibrated: Calibrated) -> float | None:
    """Return the bound of property damage alone; of injuries too where the policy lets a machine deny those."""
    types = claims.loc[view.index, "claim_type"]
    asked = view if policy.deny_personal_injury else view[(types == "property_damage").to_numpy()]
    valid = (asked["label"] == "valid").to_numpy()
    errors = np.minimum(calibrated.errors_of(asked["decided_by"]), policy.finding_error_share)
    return deny_threshold(
        asked["p_valid"].to_numpy(), valid, alpha=policy.deny_alpha, confidence=policy.deny_confidence, errors=errors
    )
