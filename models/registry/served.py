"""The file from which MLflow makes the model (its "models from code"): nothing is pickled, the boosters are read from their text.

MLflow runs this file when it loads the model, so the last line is the one thing here that is done at import.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.models
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from claimvet.models.scoring.claim_model import ClaimModel

ARTIFACT = "claim_model"
"""Name of the model's directory among the MLflow model's artifacts."""


class ServedClaimModel(PythonModel):
    """Feature rows in, `p_valid`, `p_frivolous` and `p_abusive` out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the model's directory."""
        self.model = ClaimModel.load(Path(context.artifacts[ARTIFACT]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return one row of probabilities a row of features; raises `ModelError` where they do not fit the model."""
        return self.model.probabilities(model_input)


mlflow.models.set_model(ServedClaimModel())
