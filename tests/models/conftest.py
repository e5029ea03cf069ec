"""One training on the small world, shared by the tests that only look at it."""

from __future__ import annotations

import pytest

from claimvet.models.learning.training import Training
from claimvet.models.learning.training_data import TrainingData
from tests.models.small_world import small_world, trained


@pytest.fixture(scope="session")
def data() -> TrainingData:
    return small_world()


@pytest.fixture(scope="session")
def training(data: TrainingData) -> Training:
    return trained(data)
