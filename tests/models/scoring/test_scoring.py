"""Rows that are mappings have the same scores as rows of a frame, to the last bit, and the same reasons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimvet.data.contract.errors import ModelError
from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.explain.tree_shap import TreeShap
from claimvet.models.policy.claim_facts import policy_facts
from claimvet.models.policy.safety import CLUSTER_FEATURES, LINK_FEATURES
from claimvet.models.scoring.scoring import RowScorer, score_matrix
from tests.examples import examples
from tests.scoring_service.endpoint.small_model import INPUTS, small_model

MODEL = small_model(extra=("x_site",))
SCORER = RowScorer(MODEL)
NUMBERS = st.none() | st.integers(0, 50) | st.floats(0, 1e6, allow_subnormal=False) | st.just(math.inf)
SALES = ["seller_orders_amount_sum_30d", "seller_orders_amount_sum_365d"]
POLICY = ["seller_policies_count", "seller_orders_count_365d", *SALES, *CLUSTER_FEATURES, *LINK_FEATURES]
ROWS = st.fixed_dictionaries(
    dict.fromkeys([*INPUTS, "x_site", "seller_orders_count_90d"], NUMBERS)
    | dict.fromkeys(POLICY, st.none() | st.integers(0, 9) | st.integers(0, 100_000))
    | {
        "claim_type": st.sampled_from(["property_damage", "personal_injury", "unseen", None]),
        "claim_amount": st.none() | st.floats(0, 1e6),
        "claim_evidence_count": st.none() | st.integers(0, 9),
    }
)


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(st.lists(ROWS, min_size=1, max_size=5))
def test_single_rows_and_frames_score_alike(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows).astype(
        {name: "float64" for name in [*INPUTS, "x_site", *POLICY] if name != "claim_type"}
    )
    frame.insert(0, "claim_id", [f"claim {place}" for place in range(len(rows))])
    batch = score_matrix(MODEL, MODEL.matrix(frame), frame)
    for place, score in enumerate(SCORER.score(rows, frame["claim_id"].tolist())):
        assert list(score.probabilities) == batch.probabilities[list(PROBABILITIES)].iloc[place].tolist()
        assert score.label == batch.label.iloc[place]
        assert score.disposition == batch.disposition.iloc[place]
        assert score.otherwise == batch.options["otherwise"].iloc[place]
        assert score.expert_saving_usd == batch.options["expert_saving_usd"].iloc[place]
        assert score.audited == batch.audited[place]
        wanted = batch.reasons[place]
        assert [(reason.feature, reason.text) for reason in score.reasons] == [(r.feature, r.text) for r in wanted]
        assert [r.contribution for r in score.reasons] == pytest.approx([r.contribution for r in wanted], abs=1e-9)


@settings(max_examples=examples(15))
@given(st.lists(ROWS, min_size=2, max_size=5))
def test_a_row_scores_to_the_last_bit_the_same_whoever_is_scored_beside_it(rows: list[dict[str, Any]]) -> None:
    ids = [f"claim {place}" for place in range(len(rows))]
    assert SCORER.score(rows, ids) == [SCORER.score([row], [name])[0] for row, name in zip(rows, ids, strict=True)]


def test_rows_whose_tables_do_not_sum_to_their_score_get_lightgbms_own_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = SCORER.score([row()], ["a"])[0].reasons
    monkeypatch.setattr(TreeShap, "of_rows", lambda self, matrix: np.full(matrix.shape, 0.5))
    found = SCORER.score([row()], ["a"])[0].reasons
    assert [reason.feature for reason in found] == [reason.feature for reason in wanted]
    assert [r.contribution for r in found] == pytest.approx([r.contribution for r in wanted], abs=1e-9)


@pytest.mark.parametrize("customers", [1, 8])
@pytest.mark.parametrize("linked", [0, 1])
def test_a_row_of_a_cluster_is_not_denied_as_in_a_frame(customers: int, linked: int) -> None:
    known = dict.fromkeys(CLUSTER_FEATURES, 0) | {"product_claims_customers_distinct_90d": customers}
    known |= {"category_orders_count_365d": 10_000, LINK_FEATURES[0]: linked}
    claim = row(**known, claim_amount=50.0, claim_evidence_count=0.0)
    shares = np.array([[0.01, 0.04, 0.95]])
    facts = policy_facts(pd.DataFrame([claim]))
    wanted = MODEL.policy.dispositions(pd.DataFrame(shares, columns=list(PROBABILITIES)), facts).tolist()
    assert [disposition for disposition, _, _ in SCORER.options(shares, [claim])] == wanted
    assert (wanted == ["deny"]) == (customers == 1 or linked == 1)


def row(**changed: object) -> dict[str, Any]:
    return {**dict.fromkeys([*INPUTS, "x_site"], 1.0), "claim_type": "property_damage", **changed}


def test_a_row_that_lacks_an_input_is_refused_as_a_frame_is() -> None:
    short = row()
    del short["x_site"]
    with pytest.raises(ModelError, match="missing x_site"):
        SCORER.score([row(), short], ["a", "b"])


def test_a_row_with_a_column_that_the_model_never_saw_is_refused_as_a_frame_is() -> None:
    with pytest.raises(ModelError, match="not known to it x_colour"):
        SCORER.score([row(x_colour="red")], ["a"])


def test_a_text_where_a_number_belongs_is_refused() -> None:
    with pytest.raises(ModelError, match="feature x_site holds 'hall', expected numbers"):
        SCORER.score([row(x_site="hall")], ["a"])


def test_scoring_changes_no_row() -> None:
    rows = [row()]
    SCORER.score(rows, ["a"])
    assert rows == [row()]
