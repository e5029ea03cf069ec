"""Are the features that a model was trained on those that scoring would see? A sample is built anew and compared.

Features in a file may have been built of other data, by other code, or with a look at what came later; then a model learns from values
that no claim will ever have when it is scored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from claimvet.data.contract.dataset import DataSet, connect, quoted
from claimvet.features.batch.build import build_features
from claimvet.features.engines.progress import Progress, silent
from claimvet.pipeline.stages.history import copy_query

SAMPLE = 200
"""Claims that are built anew; a feature that differs in one claim in 50 is missed once in 57 runs."""
RELATIVE_ERROR = 1e-6


@dataclass(frozen=True)
class Parity:
    """How many claims were built anew, and which features differed in any of them."""

    claims: int = 0
    differing: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the report as text, for the registry."""
        return json.dumps({"claims": self.claims, "differing": list(self.differing)}) + "\n"


def feature_parity(data_set: DataSet, features: Path, scratch: Path, progress: Progress = silent) -> Parity:
    """Build a sample of the claims of the Parquet file `features` anew from `data_set`; `scratch` is a directory to write to.

    The sample hangs on `claim_id` alone. A feature that the file lacks, or that has another value than before, differs.
    """
    sample, anew = scratch / "sample.parquet", scratch / "anew.parquet"
    connection = connect()
    try:
        data_set.register(connection, ["claims"])
        source = f"read_parquet({quoted(str(features))})"
        chosen = f"SELECT claim_id FROM {source} ORDER BY md5(claim_id) LIMIT {SAMPLE}"
        copy_query(connection, f"SELECT * FROM claims SEMI JOIN ({chosen}) USING (claim_id) ORDER BY claim_id", sample)
        given = connection.execute(f"SELECT * FROM {source} SEMI JOIN ({chosen}) USING (claim_id)").df()
    finally:
        connection.close()
    build_features(data_set, anew, claims=sample, progress=progress)
    expected = pd.read_parquet(anew).set_index("claim_id")
    given = given.set_index("claim_id").reindex(expected.index)
    differing = [str(name) for name in expected if name not in given or not _equal(given[name], expected[name])]
    return Parity(len(expected), tuple(differing))


def _equal(given: pd.Series, expected: pd.Series) -> bool:
    if not (given.isna() == expected.isna()).all():
        return False
    if pd.api.types.is_numeric_dtype(expected) and pd.api.types.is_numeric_dtype(given):
        one, other = (side.dropna().to_numpy(dtype=np.float64) for side in (given, expected))
        return bool(np.allclose(one, other, rtol=RELATIVE_ERROR, atol=1e-9))
    return bool((given.dropna().astype("str") == expected.dropna().astype("str")).all())
