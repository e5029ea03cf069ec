"""Evaluation: from the claims that evaluated a model to figures, slices and plots, without training again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from claimvet.data.contract.errors import InvalidDataError, UsageError
from claimvet.data.contract.tables import LABELS, PROBABILITIES
from claimvet.data.contract.writing.output_directory import output_directory, require_own_directory
from claimvet.models.assessment.plots import write_plots
from claimvet.models.metrics.evaluation import FOUND, arrays, by_slice, calibration_curve, confusion, figures, intervals

COMMAND = "evaluate"
NEEDED = ("label", *PROBABILITIES, *FOUND)


@dataclass(frozen=True)
class EvaluationReport:
    """Where the evaluation lies, the number of claims that evaluated, and the figures with their 95 % intervals."""

    out: Path
    claims: int
    figures: dict[str, float]
    intervals: pd.DataFrame

    def __str__(self) -> str:
        lines = [f"{self.claims:,} claims evaluated"]
        for name, value in self.figures.items():
            low, high = self.intervals.loc[name, ["low", "high"]]
            lines.append(f"  {name.replace('_', ' '):28} {value:.4f}  ({low:.4f} to {high:.4f})")
        return "\n".join([*lines, f"evaluation: {self.out}"])


def evaluate(evaluated: Path, out: Path, seed: int) -> EvaluationReport:
    """Write `metrics.json`, `intervals.csv`, `slices.csv`, `confusion.csv`, `calibration.csv` and `plots/*.svg` into `out`.

    `evaluated` is the Parquet file that training writes: one row a finding of the test slice, with its label and probabilities.
    `seed` draws the bootstrap. What an earlier run left in `out` is replaced as a whole.
    Raises `UsageError` where the file does not exist or `out` holds anything else, `InvalidDataError` where it is no such file or holds
    no claim.
    """
    require_own_directory(out, COMMAND, (evaluated,))
    frame = _read(evaluated)
    report = EvaluationReport(out, len(frame), figures(frame), intervals(frame, seed))
    with output_directory(out, COMMAND, (evaluated,)) as filled:
        _write(frame, report, filled)
    return report


def _read(evaluated: Path) -> pd.DataFrame:
    if not evaluated.is_file():
        raise UsageError(
            f"the evaluated claims {evaluated} do not exist, expected the evaluated.parquet of `claimvet train --out`"
        )
    try:
        frame = pd.read_parquet(evaluated)
    except (ValueError, OSError) as error:
        raise InvalidDataError(
            f"{evaluated} is no Parquet file that can be read ({str(error).splitlines()[0]})"
        ) from error
    missing = [name for name in NEEDED if name not in frame]
    if missing:
        raise InvalidDataError(f"{evaluated} lacks the columns {', '.join(missing)}; expected evaluated claims")
    if frame.empty:
        raise InvalidDataError(f"{evaluated} holds no claim; the data set had too few findings to evaluate a model")
    return frame


def _write(frame: pd.DataFrame, report: EvaluationReport, folder: Path) -> None:
    finite = {name: value for name, value in report.figures.items() if value == value}
    (folder / "metrics.json").write_text(json.dumps(finite, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    report.intervals.to_csv(folder / "intervals.csv", index_label="figure")
    by_slice(frame).to_csv(folder / "slices.csv", index=False)
    confusion(frame).to_csv(folder / "confusion.csv")
    calibration(frame).to_csv(folder / "calibration.csv", index=False)
    write_plots(frame, folder / "plots")


def calibration(frame: pd.DataFrame) -> pd.DataFrame:
    """Probability of a finding against share found: columns `label`, `claims`, `p_mean`, `share`, one row a label and bin."""
    _, found, y = arrays(frame)
    curves = [
        calibration_curve(found[:, number], y == number).assign(label=label) for number, label in enumerate(LABELS)
    ]
    return pd.concat(curves)[["label", "claims", "p_mean", "share"]]
