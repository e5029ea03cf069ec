"""docs/policy.md says what the default costs lead to; the table is held against the policy itself."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import pandas as pd
import yaml

from claimvet.models.policy.policy import DISPOSITIONS, Policy

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


def costs() -> dict[str, list[str]]:
    """The rows of the table of costs, by name: default, unit, whose cost it moves, what it rests on."""
    text = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8").split("| name | default |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_table_of_costs_says_what_the_parameter_file_says() -> None:
    section = (ROOT / "params.yaml").read_text(encoding="utf-8").split("policy:\n")[1].split("\n\n")[0]
    lines = [line.strip() for line in section.splitlines()]
    assert list(costs()) == [line.partition(":")[0] for line in lines]
    for line, (default, unit, _, source) in zip(lines, costs().values(), strict=True):
        comment = source if unit == "–" else f"{unit}; {source}"
        assert line.partition(": ")[2].split(maxsplit=2) == [default, "#", comment]


def moved(name: str, claims: pd.DataFrame, probabilities: pd.DataFrame) -> set[str]:
    """The dispositions whose costs move with a cost of the policy, for claims of every kind."""
    policy = Policy()
    before, after = (
        each.realised_costs(probabilities, claims, pd.Series(["valid", "frivolous", "abusive"] * (len(claims) // 3)))
        for each in (policy, replace(policy, **{name: 0.5 * getattr(policy, name)}))
    )
    return set(before.columns[(before != after).any()])


def test_the_table_of_costs_says_whose_cost_each_moves() -> None:
    kinds = product(
        ("property_damage", "personal_injury"), (700.0, 9000.0, None), (0, 1), (0, 1), (30, 90), (0, 7000, 12000)
    )
    names = [
        "claim_type",
        "amount_claimed",
        "evidence_count",
        "seller_policies_count",
        "seller_orders_count",
        "seller_sales_30d",
    ]
    claims = pd.DataFrame([kind for kind in kinds for _ in range(9)], columns=names).assign(seller_sales_365d=0.0)
    beliefs = [(0.8, 0.1, 0.1)] * 3 + [(0.2, 0.4, 0.4)] * 3 + [(0.001, 0.5, 0.499)] * 3
    probabilities = pd.DataFrame(beliefs * (len(claims) // 9), columns=["p_valid", "p_frivolous", "p_abusive"])
    for name, (_, _, where, _) in costs().items():
        listed = {"all": set(DISPOSITIONS), "all but `deny`": set(DISPOSITIONS) - {"deny"}}
        expected = listed.get(where, set() if where.startswith("none") else set(where.replace("`", "").split(", ")))
        if not isinstance(getattr(Policy(), name), int):  # whole numbers and switches have no half
            assert moved(name, claims, probabilities) == expected, name
