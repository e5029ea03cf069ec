"""docs/policy.md says what the default costs lead to; the table is held against the policy itself."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pandas as pd
import yaml

from claimvet.models.policy.policy import Policy

ROOT = Path(__file__).parents[3]
SHORT = {
    "pay": "pay_concession",
    "present": "present_to_seller",
    "evidence": "request_evidence",
    "expert": "refer_to_expert",
    "deny": "deny",
}


def table() -> tuple[list[float], list[list[str]]]:
    text = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    lines = text.split("| P(valid) |")[1].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [float(cell.strip(" $").replace(",", "")) for cell in rows[0]], rows[2:]


def test_the_table_of_dispositions_is_what_the_default_policy_decides() -> None:
    amounts, rows = table()
    policy = Policy(deny_threshold=0.12)
    assert len(rows) > 5
    for p_valid, *cells in rows:
        rest = (1 - float(p_valid)) / 2
        probabilities = pd.DataFrame(
            [{"p_valid": float(p_valid), "p_frivolous": rest, "p_abusive": rest}] * len(amounts)
        )
        claims = pd.DataFrame({"claim_type": "property_damage", "amount_claimed": amounts, "evidence_count": 1})
        assert [SHORT[cell] for cell in cells] == policy.dispositions(probabilities, claims).tolist(), p_valid


def test_every_cost_stands_in_the_parameter_file_with_its_default() -> None:
    section = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["policy"]
    assert list(section) == [field.name for field in fields(Policy) if field.name != "deny_threshold"]
    assert Policy.from_dict(section) == Policy()
