"""Parameters come from one file, are checked when read, and every wrong one is named."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from claimvet.data.contract.errors import UsageError
from claimvet.models.policy.policy import Policy
from claimvet.pipeline.params import OF_POLICY, RENAMED, GenerateParams, Params, find_params, load_params, parse_params

ROOT = Path(__file__).resolve().parents[2]
SET_BY_TRAINING = {"deny_threshold"}


def test_the_projects_own_file_is_valid() -> None:
    assert load_params(ROOT / "params.yaml") == parse_params((ROOT / "params.yaml").read_text())


@pytest.mark.parametrize("section", [section.name for section in fields(Params)])
def test_the_projects_own_file_shows_every_parameter(section: str) -> None:
    written = yaml.safe_load((ROOT / "params.yaml").read_text())[section]
    own = set(OF_POLICY) if section == "cases" else set()
    assert set(written) == {field.name for field in fields(getattr(Params(), section))} - SET_BY_TRAINING - own


def test_an_empty_file_means_the_defaults() -> None:
    assert parse_params("") == Params()


def test_a_key_that_the_file_leaves_out_has_its_default() -> None:
    assert parse_params("generate: {seed: 3}").generate == GenerateParams(seed=3)


def test_a_section_is_the_dataclass_that_its_stage_works_with() -> None:
    assert parse_params("policy: {expert_usd: 50}").policy == Policy(expert_usd=50.0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("generate: {sed: 1}", "params.yaml has no parameter generate.sed"),
        ("gen: {}", "params.yaml has no parameter gen"),
        (
            "gate: {least_findings: 9}",
            r"params.yaml has no parameter gate.least_findings; it is called gate\.min_findings now",
        ),
        ("generate: {seed: many}", "generate.seed is 'many'; input should be a valid integer"),
        ("generate: {seed: true}", "generate.seed is True"),
        ("generate: {seed: 1.5}", r"generate.seed is 1\.5"),
        ("generate: {seed: 2020-01-01}", "generate.seed is '2020-01-01'"),
        ("generate: 3", "generate is 3; input should be an object"),
        ("policy: {deny_alpha: 3}", r"deny_alpha is 3.*between 0 and 1"),
        (
            "cases: {insured_from_usd: 5000}",
            "has cases.insured_from_usd; expected it under policy: only, which cases follow",
        ),
        ("cases: {golden_share: 2}", r"golden_share is 2.*between 0 and 1"),
        ("cases: 3", "cases is 3; input should be an object"),
        (
            "generate: {seed: 1}\npolicy: {}\ngenerate: {claims: 200}",
            "is no YAML that can be read .the key generate stands twice",
        ),
        ("policy: {audit_seed: 1, audit_seed: 2}", "the key audit_seed stands twice"),
        ("[1, 2]", "holds a list, expected sections"),
        ("generate: [", "is no YAML that can be read"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse_params(text)


def test_a_named_file_wins(tmp_path: Path) -> None:
    named = tmp_path / "mine.yaml"
    named.write_text("generate: {seed: 11}")
    (tmp_path / "params.yaml").write_text("generate: {seed: 12}")
    assert find_params(named, tmp_path) == named
    assert load_params(named).generate.seed == 11


def test_the_working_directorys_file_comes_before_the_projects_own(tmp_path: Path) -> None:
    assert find_params(None, tmp_path) == ROOT / "params.yaml"
    (tmp_path / "params.yaml").touch()
    assert find_params(None, tmp_path) == tmp_path / "params.yaml"


def test_a_named_file_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mine\.yaml does not exist"):
        load_params(tmp_path / "mine.yaml")


@pytest.mark.parametrize(("old", "new"), sorted(RENAMED.items()))
def test_an_old_name_is_refused_with_the_new_one_which_is_known(old: str, new: str) -> None:
    section, key = old.split(".")
    with pytest.raises(
        UsageError, match=rf"^params.yaml has no parameter {section}\.{key}; it is called {re.escape(new)} now$"
    ):
        parse_params(f"{section}: {{{key}: 1}}")
    parse_params(f"{section}: {{{new.split('.')[1]}: {1 if 'share' not in new else 0.3}}}")


def test_cases_follow_the_limits_of_the_policy() -> None:
    params = parse_params("policy: {concession_limit_usd: 500, insured_from_usd: 20000}\ncases: {seller_days: 5}")
    followed = params.case_settings
    assert (followed.concession_limit_usd, followed.insured_from_usd, followed.seller_days) == (500.0, 20_000.0, 5.0)


def test_lists_of_cases_are_read_as_they_are_written() -> None:
    provider = "{name: N, link: 'https://n.example', regions: [US], vetted_since: '2026-01-31'}"
    params = parse_params(f"cases: {{holidays: ['2026-12-25'], providers: [{provider}]}}")
    assert params.cases.holidays == ("2026-12-25",)
    assert params.cases.providers[0].regions == ("US",)
