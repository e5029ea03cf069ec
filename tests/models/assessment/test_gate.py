"""The gate refuses what should not be champion, each for the right reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from claimvet.data.contract.tables import PROBABILITIES
from claimvet.models.assessment.gate import champion_answers, gate_checks, guarantee_checks, largest_by_chance
from claimvet.models.assessment.leaks import strange_inputs, strongest_input
from claimvet.models.learning.training import Training
from claimvet.models.metrics.evaluation import FOUND, calibration_errors
from claimvet.models.parameters import GateParams
from claimvet.models.policy.policy import Policy
from claimvet.models.registry.registry import StoredModel
from claimvet.pipeline.stages.train import write_evaluation
from tests.models.small_world import small_world, trained

pytestmark = pytest.mark.slow

PARAMS = GateParams(min_findings=60)


@pytest.fixture(scope="module")
def stored() -> StoredModel:
    return _stored(trained(small_world(3000)), "1")


def _stored(training: Training, version: str) -> StoredModel:
    return StoredModel(
        version,
        "run",
        training.model,
        training.evaluated,
        training.evaluated_features,
        dict(training.baselines),
        training.evaluated_policy,
    )


def failed(challenger: StoredModel, champion: StoredModel | None = None) -> list[str]:
    return [check.name for check in gate_checks(challenger, champion, PARAMS) if not check.passed]


def with_found(stored: StoredModel, version: str, answers: np.ndarray) -> StoredModel:
    """The same claims evaluated by other answers, as another model's."""
    columns = dict(zip(FOUND, answers.T, strict=True))
    probabilities = {name.replace("found", "p"): column for name, column in columns.items()}
    other = replace(stored.model, policy=replace(stored.model.policy, payment_usd=float(version)))
    return replace(stored, version=version, model=other, evaluated=stored.evaluated.assign(**columns, **probabilities))


def found(stored: StoredModel) -> np.ndarray:
    return stored.evaluated[list(FOUND)].to_numpy()


def test_a_good_first_challenger_passes(stored: StoredModel) -> None:
    assert failed(stored) == []


def test_too_few_evaluated_findings_are_refused_and_nothing_else_is_said(stored: StoredModel) -> None:
    few = replace(stored, evaluated=stored.evaluated.iloc[:59])
    assert failed(few) == ["findings that evaluated it"]
    assert len(gate_checks(few, None, PARAMS)) == 1
    just_enough = replace(PARAMS, min_findings=len(stored.evaluated))
    assert len(gate_checks(stored, None, just_enough)) > 1


def test_a_challenger_that_knows_only_shares_does_not_beat_the_baselines(stored: StoredModel) -> None:
    shares = np.tile(found(stored).mean(axis=0), (len(stored.evaluated), 1))
    assert "log loss against logistic" in failed(with_found(stored, "2", shares))


def test_an_uncalibrated_challenger_is_refused(stored: StoredModel) -> None:
    sure = found(stored) ** 4
    assert "calibration error of P(valid)" in failed(with_found(stored, "2", sure / sure.sum(axis=1, keepdims=True)))


def refused_share(findings: int, off: float, runs: int = 40) -> float:
    """How often the gate refuses probabilities for their calibration: drawn U-shaped as models draw them, `off` in log odds."""
    random, refused = np.random.default_rng(4), 0
    for _ in range(runs):
        odds = random.normal(0.0, 2.5, findings)
        said, true = (1 / (1 + np.exp(-each)) for each in (odds, odds * (1.0 - off)))
        so = random.random(findings) < true
        refused += calibration_errors(said, so[None, :])[0] > largest_by_chance(said, PARAMS)
    return refused / runs


@pytest.mark.parametrize(
    ("findings", "off", "least", "most"),
    [
        (600, 0.0, 0.0, 0.03),
        (600, 0.15, 0.0, 0.1),
        (600, 0.5, 0.95, 1.0),
        (6000, 0.0, 0.0, 0.0),
        (6000, 0.35, 0.95, 1.0),
    ],
)
def test_probabilities_that_are_right_pass_however_few_findings_evaluate_them_and_significantly_wrong_ones_do_not(
    findings: int, off: float, least: float, most: float
) -> None:
    assert least <= refused_share(findings, off) <= most


def test_the_bound_of_the_calibration_error_falls_towards_what_is_allowed() -> None:
    random = np.random.default_rng(1)
    bounds = [largest_by_chance(random.uniform(0.1, 0.9, count), PARAMS) for count in (200, 2_000, 20_000)]
    assert bounds[0] > bounds[1] > bounds[2] > PARAMS.max_calibration_error
    assert bounds[2] < PARAMS.max_calibration_error + 0.006


def test_a_challenger_that_would_deny_many_valid_claims_is_refused(stored: StoredModel) -> None:
    policy = replace(stored.model.policy, deny_threshold=0.45, finding_error_share=0.0)
    eager = replace(stored, evaluated_policy=policy)
    assert failed(eager) == ["valid claims that would be denied"]


def test_a_challenger_worse_than_the_champion_is_refused_and_one_as_good_is_not(stored: StoredModel) -> None:
    blurred = 0.6 * found(stored) + 0.4 / 3
    worse = with_found(stored, "2", blurred)
    against = "log loss less that of champion version 1"
    assert against in failed(worse, stored)
    assert failed(replace(stored, version="3"), stored) == []
    assert not any(name.startswith("log loss less") for name in failed(stored, worse))


def test_a_champion_without_a_claim_in_common_cannot_be_compared_with(stored: StoredModel) -> None:
    elsewhere = with_found(stored, "2", found(stored))
    moved = replace(elsewhere, evaluated=elsewhere.evaluated.rename(index=lambda name: f"other-{name}"))
    assert failed(stored, moved) == ["log loss less that of champion version 2"]


def test_a_champion_that_knew_less_scores_the_later_claims_anew(stored: StoredModel) -> None:
    earlier = {**stored.model.record, "known_until": str(stored.evaluated["filed_at"].min() - pd.Timedelta(days=1))}
    champion = replace(stored, model=replace(stored.model, record=earlier), evaluated=stored.evaluated.iloc[:0])
    answers = champion_answers(stored, champion)
    assert set(answers.index) == set(stored.evaluated.index)
    np.testing.assert_allclose(answers[list(FOUND)].sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(answers[list(PROBABILITIES)].sum(axis=1), 1.0, atol=1e-9)


def test_a_champion_with_other_inputs_answers_only_for_claims_that_evaluated_it(stored: StoredModel) -> None:
    earlier = {**stored.model.record, "known_until": str(stored.evaluated["filed_at"].min() - pd.Timedelta(days=1))}
    champion = replace(stored, model=replace(stored.model, record=earlier))
    renamed = replace(stored, evaluated_features=stored.evaluated_features.rename(columns={"x_noise": "x_other"}))
    assert champion_answers(renamed, champion).empty


def test_every_check_says_its_figure_and_its_bound(stored: StoredModel) -> None:
    lines = [str(check) for check in gate_checks(stored, None, PARAMS)]
    assert all(line.startswith("pass  ") and "(expected " in line for line in lines)


def test_a_leaking_input_is_refused_because_one_input_alone_knows_the_outcome(stored: StoredModel) -> None:
    random = np.random.default_rng(1)
    codes = stored.evaluated["label"].map({"frivolous": 0.0, "valid": 1.0, "abusive": 2.0})
    for name, leak in (
        ("x_noise", codes + random.normal(0, 0.2, len(codes))),
        ("x_noise", codes.where(codes == 1.0)),
        ("x_site", codes.astype("str")),
    ):
        leaking = replace(stored, evaluated_features=stored.evaluated_features.assign(**{name: leak}))
        assert failed(leaking) == [f"AUC of the strongest single input ({name})"]


def test_the_strongest_input_is_the_one_whose_learned_shares_rank_best_as_scikit_learn_says() -> None:
    random = np.random.default_rng(3)
    labels = pd.Series(random.choice(["valid", "frivolous", "abusive"], 400))
    sites = labels.map({"valid": "a", "frivolous": "b", "abusive": "c"}).where(random.random(400) < 0.7, "d")
    inputs = pd.DataFrame({"x_noise": random.normal(size=400), "x_site": sites, "x_none": np.nan})
    auc, name = strongest_input(inputs, labels)
    halves, so = [], (labels == "valid").astype(float)
    for learn, ask in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
        known = so[learn].groupby(sites[learn]).agg(["sum", "size"])
        shares = (known["sum"] + 4.0 * so[learn].mean()) / (known["size"] + 4.0)
        halves.append(roc_auc_score(so[ask], sites[ask].map(shares)))
    by_abusive = strongest_input(inputs, labels.map({"valid": "x", "abusive": "abusive"}).fillna("x"))[0]
    assert name == "x_site"
    assert auc == pytest.approx(max(float(np.mean(halves)), by_abusive))


def test_an_input_that_the_catalogue_does_not_declare_as_one_is_refused(stored: StoredModel) -> None:
    inputs = tuple(
        replace(column, name="claim_hour") if column.name == "claim_days_since_incident" else column
        for column in stored.model.schema.inputs
    )
    schema = replace(stored.model.schema, inputs=inputs)
    assert strange_inputs(schema) == ["claim_hour"]
    assert strange_inputs(stored.model.schema) == []


def test_features_that_scoring_would_not_see_are_refused_by_name(stored: StoredModel) -> None:
    (check,) = [c for c in gate_checks(replace(stored, parity=(200, ("x_site",))), None, PARAMS) if not c.passed]
    assert check.name == "features that differ when they are built anew (x_site)"


def test_a_challenger_that_is_too_good_to_be_true_is_refused(stored: StoredModel) -> None:
    sure = np.full((len(stored.evaluated), 3), 0.01)
    sure[
        np.arange(len(sure)), [["valid", "frivolous", "abusive"].index(label) for label in stored.evaluated["label"]]
    ] = 0.98
    refused = failed(with_found(stored, "2", sure), stored)
    assert "AUC against findings" in refused
    assert "log loss as a share of the champion's" in refused


def test_a_mislabelled_challenger_is_refused_because_its_findings_contradict_the_champions(stored: StoredModel) -> None:
    random = np.random.default_rng(2)
    flipped = stored.evaluated["label"].where(random.random(len(stored.evaluated)) > 0.2, "valid")
    told_otherwise = replace(with_found(stored, "2", found(stored)), evaluated=stored.evaluated.assign(label=flipped))
    assert "findings that contradict those that evaluated the champion" in failed(told_otherwise, stored)


def test_a_first_challenger_with_labels_mixed_up_is_refused_because_suspicion_points_the_wrong_way(
    stored: StoredModel,
) -> None:
    swapped = stored.evaluated["label"].map({"valid": "abusive", "abusive": "valid", "frivolous": "frivolous"})
    mixed_up = replace(stored, evaluated=stored.evaluated.assign(label=swapped))
    assert "AUC of inputs that raise suspicion, for claims without merit" in failed(mixed_up)


def test_findings_that_do_not_fit_their_claims_are_refused(stored: StoredModel) -> None:
    record = {**stored.model.record, "error_rates": {"expert": 0.02, "seller_defense": 0.27}}
    doubtful = replace(stored, model=replace(stored.model, record=record))
    assert failed(doubtful) == ["findings by seller_defense that seem wrong"]


def test_a_challenger_that_costs_more_is_refused_in_dollars(stored: StoredModel) -> None:
    answers = found(stored)
    doubting = np.column_stack(
        [answers[:, 0] * 0.2, answers[:, 1] + answers[:, 0] * 0.4, answers[:, 2] + answers[:, 0] * 0.4]
    )
    assert "dollars per 1,000 claims less the champion's" in failed(with_found(stored, "2", doubting), stored)


def test_a_challenger_that_is_much_worse_in_one_slice_is_refused_for_it(stored: StoredModel) -> None:
    answers = found(stored)
    here = (stored.evaluated["category_id"] == "toys").to_numpy()
    answers[here] = answers[here][:, [1, 0, 2]]
    names = failed(with_found(stored, "2", answers), stored)
    assert "log loss less the champion's, significantly, in its worst slice (category_id toys)" in names


def test_a_challenger_that_believes_one_group_less_is_refused(stored: StoredModel) -> None:
    grouped = stored.evaluated.assign(
        group_region=np.where(np.arange(len(stored.evaluated)) % 2 == 0, "north", "south")
    )
    assert failed(replace(stored, evaluated=grouped)) == []
    unlucky = (grouped["group_region"] == "north") & (grouped["label"] == "valid") & (np.arange(len(grouped)) % 3 > 0)
    columns = ["p_valid", "p_frivolous", "p_abusive"]
    grouped.loc[unlucky, columns] = [0.3, 0.6, 0.1]
    names = [name for name in failed(replace(stored, evaluated=grouped)) if name.startswith("valid claims believed")]
    assert names == ["valid claims believed, group_region north against the others"]


def test_a_slow_or_a_large_challenger_is_refused(stored: StoredModel) -> None:
    strict = replace(PARAMS, max_latency_ms=1e-9, max_size_mb=1e-9)
    names = [check.name for check in gate_checks(stored, None, strict) if not check.passed]
    assert names == ["milliseconds for one row", "megabytes of the model"]


class Reckless(Policy):
    """A policy that is broken: it denies every claim, injuries too."""

    def dispositions(self, probabilities: pd.DataFrame, claims: pd.DataFrame) -> pd.Series:
        return pd.Series("deny", index=probabilities.index, dtype="str")


def test_injuries_that_a_broken_policy_would_deny_are_counted_and_refused(stored: StoredModel) -> None:
    injured = int((stored.evaluated["claim_type"] == "personal_injury").sum())
    broken = replace(stored, evaluated_policy=Reckless(deny_threshold=0.1))
    (check,) = [check for check in guarantee_checks(broken, PARAMS) if check.name == "injuries that would be denied"]
    assert (check.figure, check.passed, check.bound) == (injured, False, f"0, of {injured}")
    assert injured > 0
    assert "injuries that would be denied" in failed(broken)
    (check,) = [check for check in gate_checks(stored, None, PARAMS) if check.name == "injuries that would be denied"]
    assert (check.figure, check.passed) == (0, True)


def test_one_label_only_breaks_nothing_and_passes_nothing(tmp_path: Path) -> None:
    alone = trained(small_world(600, labels=("valid",)))
    assert len(alone.evaluated) >= PARAMS.min_findings
    write_evaluation(alone, tmp_path, seed=1)
    assert (tmp_path / "model_card.md").is_file()
    assert failed(_stored(alone, "1")) == ["dollars per 1,000 claims less those of presenting everything"]
