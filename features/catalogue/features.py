"""Every feature, declared once. To add one, add a declaration: its name, plan, documentation and schema follow from it.

>>> BY_NAME["customer_return_rate_365d"].description
'returns per order of the customer in the 365 days before the claim was filed'
>>> [feature.name for feature in FEATURES if feature.family == "claim itself"][:2]
['claim_amount', 'claim_type']
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from claimvet.features.catalogue.claim_features import CLAIM_FEATURES
from claimvet.features.catalogue.declaration import Feature
from claimvet.features.catalogue.history_features import HISTORY_FEATURES
from claimvet.features.catalogue.link_features import LINK_FEATURES
from claimvet.features.catalogue.ratio_features import RATIO_FEATURES, TREND_FEATURES

FEATURES: tuple[Feature, ...] = (*CLAIM_FEATURES, *HISTORY_FEATURES, *RATIO_FEATURES, *TREND_FEATURES, *LINK_FEATURES)
"""All features in the order of their columns."""

MODEL_FEATURES: tuple[Feature, ...] = tuple(feature for feature in FEATURES if feature.model_input)
"""Those that a model may use; the others are for the eyes of an expert."""

BY_NAME: Mapping[str, Feature] = MappingProxyType({feature.name: feature for feature in FEATURES})
"""All features by name."""
