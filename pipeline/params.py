"""Every number that a person may turn, in one file: `params.yaml`, one section a stage.

A section is the dataclass that its stage works with, so a parameter is declared, described and checked in one place only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from claimvet.cases.settings import CaseSettings
from claimvet.data.contract.errors import UsageError
from claimvet.data.contract.reading.feature_types import FeatureType, is_feature
from claimvet.data.contract.tables import FEATURE_COLUMN_PREFIX
from claimvet.models.parameters import BacktestParams, GateParams, MonitorParams, SplitParams, TrainParams
from claimvet.models.policy.policy import Policy

FILE_NAME = "params.yaml"
RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "gate.least_findings": "gate.min_findings",
        "gate.calibration_error": "gate.max_calibration_error",
        "gate.believed_ratio": "gate.min_believed_ratio",
        "gate.single_input_auc": "gate.max_single_input_auc",
        "gate.highest_auc": "gate.max_auc",
        "gate.least_loss_ratio": "gate.min_loss_ratio",
        "gate.contradicted_share": "gate.max_contradicted_share",
        "gate.finding_error_share": "gate.max_finding_error_share",
        "gate.latency_ms": "gate.max_latency_ms",
        "gate.size_mb": "gate.max_size_mb",
        "backtest.most_periods": "backtest.max_periods",
        "split.practice_share": "split.early_bound_share",
        "split.judging_share": "split.test_share",
        "split.least_findings": "split.min_findings",
        "train.most_trees": "train.num_boost_round",
        "train.depth": "train.max_depth",
        "train.leaves": "train.num_leaves",
        "train.least_claims_in_leaf": "train.min_data_in_leaf",
        "train.column_share": "train.feature_fraction",
        "train.row_share": "train.bagging_fraction",
        "train.ridge": "train.lambda_l2",
    }
)
"""What a parameter of an earlier version is called now."""


OF_POLICY = ("concession_limit_usd", "insured_from_usd")
"""Figures of cases that `policy:` sets, so that there is one of each."""


@dataclass(frozen=True)
class GenerateParams:
    """What `claimvet data generate` and `claimvet demo` make where the command line does not say."""

    claims: int = 20_000
    """Number of claims in the marketplace, at least 100."""
    seed: int = 7
    """Seed of all its random draws; the same seed gives the same bytes."""


@dataclass(frozen=True)
class ReadParams:
    """How files are read where the contract leaves a choice. Raises `UsageError` for a column of the contract."""

    types: dict[str, FeatureType] = field(default_factory=dict)
    """Types of the user's own columns `x_…` of claims by name: `text`, `number` or `boolean`, as in `{x_zip: text}`. A column that is not
    named has the type that Parquet says, or that the rule for CSV finds (docs/contract.md); at scoring the model's types count."""

    def __post_init__(self) -> None:
        for name in self.types:
            if not is_feature(name):
                raise UsageError(
                    f"read.types names {name!r}, expected a column of claims that begins with {FEATURE_COLUMN_PREFIX}"
                )


@dataclass(frozen=True)
class ValidateParams:
    """What validation allows. Raises `UsageError` for a negative tolerance."""

    clock_tolerance_hours: float = 24.0
    """Hours by which an event may lie after this machine's now. Clocks differ by seconds; a day is more than any zone is ahead of UTC
    (14 hours), so that a local time stored as UTC passes, and a wrong year or day does not."""

    def __post_init__(self) -> None:
        if not self.clock_tolerance_hours >= 0:
            raise UsageError(f"clock_tolerance_hours is {self.clock_tolerance_hours}, expected 0 or more")


@dataclass(frozen=True)
class Params:
    """All sections of `params.yaml`; a key that the file leaves out has its default."""

    generate: GenerateParams = field(default_factory=GenerateParams)
    read: ReadParams = field(default_factory=ReadParams)
    validate: ValidateParams = field(default_factory=ValidateParams)
    split: SplitParams = field(default_factory=SplitParams)
    train: TrainParams = field(default_factory=TrainParams)
    gate: GateParams = field(default_factory=GateParams)
    policy: Policy = field(default_factory=Policy)
    backtest: BacktestParams = field(default_factory=BacktestParams)
    monitor: MonitorParams = field(default_factory=MonitorParams)
    cases: CaseSettings = field(default_factory=CaseSettings)

    @property
    def case_settings(self) -> CaseSettings:
        """The figures of cases, with the two limits that the policy has too, as the policy has them."""
        return replace(self.cases, **{name: getattr(self.policy, name) for name in OF_POLICY})


def find_params(named: Path | None, working_directory: Path) -> Path | None:
    """Return the file to read: the one named, else the working directory's, else the one beside the packages, else none.

    Raises `UsageError` where the named file does not exist.
    """
    if named is not None:
        if not named.is_file():
            raise UsageError(f"the parameter file {named} does not exist")
        return named
    beside_packages = Path(__file__).resolve().parents[1]
    candidates = (directory / FILE_NAME for directory in (working_directory, beside_packages))
    return next((path for path in candidates if path.is_file()), None)


def load_params(named: Path | None = None) -> Params:
    """Return the parameters of the file that `find_params` finds from the current directory; defaults where there is none.

    Raises `UsageError` for a file that is no YAML, a key that does not exist, or a value of the wrong type or range.
    """
    path = find_params(named, Path.cwd())
    return Params() if path is None else parse_params(_text_of(path), path.name)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the parameter file {path} is no text in UTF-8, expected YAML") from error
    except OSError as error:
        raise UsageError(
            f"the parameter file {path} cannot be read: {(error.strerror or str(error)).lower()}"
        ) from error


def parse_params(text: str, name: str = FILE_NAME) -> Params:
    """Return the parameters in a YAML text; `name` is how errors call it.

    Raises `UsageError` as `load_params` does.

    >>> parse_params("generate: {seed: 3}").generate.seed
    3
    """
    values = _read_yaml(text, name)
    for key in _unknown_keys(Params, values):
        told = f"it is called {RENAMED[key]} now" if key in RENAMED else "docs/params.md lists them"
        raise UsageError(f"{name} has no parameter {key}; {told}")
    own = values.get("cases")
    for figure in OF_POLICY:
        if isinstance(own, Mapping) and figure in own:
            raise UsageError(f"{name} has cases.{figure}; expected it under policy: only, which cases follow")
    try:
        return TypeAdapter(Params).validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{name}: {where} is {first['input']!r}; {first['msg'][0].lower()}{first['msg'][1:]}"
        ) from error


class _EachKeyOnce(yaml.SafeLoader):
    """Reads YAML as `yaml.safe_load` does, but refuses a key that stands twice, of which that takes the later."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node; raises `yaml.constructor.ConstructorError` for a key that stands twice."""
        names = [key.value for key, _ in node.value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _read_yaml(text: str, name: str) -> dict[str, Any]:
    try:
        values = yaml.load(text, _EachKeyOnce)
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is no YAML that can be read ({str(error).splitlines()[0]})") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"{name} holds a {type(values).__name__}, expected sections such as generate: and policy:")
    return values


def _unknown_keys(declared: type, values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    types = get_type_hints(declared)
    known = {declared_field.name for declared_field in fields(declared)}
    for key, value in values.items():
        if key not in known:
            yield f"{prefix}{key}"
        elif is_dataclass(types[key]) and isinstance(value, Mapping):
            yield from _unknown_keys(types[key], value, f"{prefix}{key}.")
