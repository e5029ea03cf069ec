"""Write `docs/features.md` from the declarations: `python -m claimvet.features.catalogue.reference_page docs`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from claimvet.features.catalogue.declaration import Aggregation, Entity, Feature, HistoryFeature, Suspicion
from claimvet.features.catalogue.events import RETURNS
from claimvet.features.catalogue.features import FEATURES
from claimvet.features.catalogue.selection import REVERSIBLE
from claimvet.features.catalogue.sources import SOURCES, Source

PAGE = "features.md"

OPENING = """# Features

Written from the declarations in `features/` by `python -m claimvet.features.catalogue.reference_page docs`; do not edit. There are {count}.

- A feature of a claim sees exactly what the platform knew strictly before the claim was filed: an order from `ordered_at`, a return from
  `requested_at`, its condition from `inspected_at`, a label from `decided_at`. The claim's own evidence counts from
  `submitted_at <= filed_at`.
- Windows are half-open, `[filed_at - window, filed_at)`; no window means all time before. A day is 24 hours, whatever clocks do.
- A claim never counts itself, and of two claims filed at the same instant neither counts the other.
- Counts and sums are 0 where there is nothing to count, and null only where a table that they need is missing or empty. Means, extremes,
  shares, days since, ratios and trends are null where there is nothing to average, compare or divide by.
- Of several outcomes of a claim the latest one known counts. Of two decided at the same instant it is the one with the larger outcome_id.
- A product belongs to its category, and its history to the category's, from `listed_at` on.
- A name is `<entity>_<event>_[<column>_]<aggregation>[_<window>]`. The last column of the tables says which way a feature points where
  that is beyond doubt, or that it is shown to an expert and no model uses it.
"""

ADDING = """## How to add a feature

One declaration is all. A feature over a history is an entity, an event, an aggregation, windows in days, and a column where the
aggregation needs one; `suspicion=RAISES` or `LOWERS` where it can only point one way. Events are named in `features/catalogue/events.py`: a
source and, where only some of its rows count, a filter. For instance, to know what a product's returns of the last 180 days cost on
average, add to `PRODUCT_FEATURES` in `features/catalogue/history_features.py`:

    {declaration}

and the feature

{table}

exists: `claimvet features list` shows it, `claimvet features build` computes it, the next `claimvet train` uses it, and the tests
compare it with plain loops. `python -m claimvet.features.catalogue.reference_page docs` puts it on this page. A rate or a trend is a
quotient of two features, in `features/catalogue/ratio_features.py`; a fact of the claim itself stands in
`features/catalogue/claim_features.py`. A declaration that cannot work (a source without that entity, a value that the column never has,
a name that is taken) is refused by name.

Aggregations: {aggregations}. Outcomes and insurance policies end, and what belongs to a category may be seen late (a product is in it
from `listed_at` on): over these only {reversible} can be declared, since an event has to be taken back from them.

| source | tables | entities | columns |
|---|---|---|---|
{sources}
"""

EXAMPLE_DECLARATION = '*_history(PRODUCT, e.RETURNS, A.MEAN, 180, column="refund"),'
EXAMPLE = HistoryFeature(
    entity=Entity.PRODUCT,
    event=RETURNS,
    aggregation=Aggregation.MEAN,
    column="refund",
    window_days=180,
    family="product returns",
)
"""The worked example of the page, as it is written there and as it comes out; a test declares it and builds it."""

_MARKS = {Suspicion.RAISES: "raises suspicion", Suspicion.LOWERS: "lowers suspicion", Suspicion.UNKNOWN: ""}


def feature_page(features: Sequence[Feature] = FEATURES) -> str:
    """Return the page: conventions, a table per family, and how to add a feature."""
    ordered = sorted(features, key=lambda feature: _rank(features, feature))
    tables = [_family(name, list(members)) for name, members in groupby(ordered, key=lambda feature: feature.family)]
    return "\n".join([OPENING.format(count=len(features)), *tables, _adding()])


def _rank(features: Sequence[Feature], feature: Feature) -> int:
    """Return the place of the feature's family: families stand in the order of their first feature."""
    return [other.family for other in features].index(feature.family)


def _family(name: str, members: Sequence[Feature]) -> str:
    return "\n".join([f"## {name[0].upper()}{name[1:]}", "", _table(members), ""])


def _table(members: Sequence[Feature]) -> str:
    head = ["| name | what it is | unit | window | type | direction |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *map(_row, members)])


def _row(feature: Feature) -> str:
    days = feature.listing()["window_days"]
    window = f"{days} days" if days is not None else "all time" if isinstance(feature, HistoryFeature) else ""
    mark = _MARKS[feature.suspicion] if feature.model_input else "for experts only"
    unit = "" if feature.unit == "1" else feature.unit
    return f"| `{feature.name}` | {feature.description} | {unit} | {window} | {feature.dtype} | {mark} |"


def _adding() -> str:
    aggregations = [
        f"`{a.name}`" for a in Aggregation if a not in {Aggregation.RATIO, Aggregation.TREND, Aggregation.VALUE}
    ]
    return ADDING.format(
        declaration=EXAMPLE_DECLARATION,
        table=_table([EXAMPLE]),
        aggregations=", ".join(aggregations),
        reversible=", ".join(f"`{a.name}`" for a in Aggregation if a in REVERSIBLE),
        sources="\n".join(map(_source, SOURCES.values())),
    )


def _source(source: Source) -> str:
    entities = ", ".join(sorted(source.entities))
    return f"| {source.name} | {', '.join(source.tables)} | {entities} | {', '.join(source.columns) or 'none'} |"


def write_page(folder: Path) -> None:
    """Write the page into `folder`, aside and then renamed."""
    aside = folder / f".{PAGE}"
    aside.write_text(feature_page(), encoding="utf-8")
    os.replace(aside, folder / PAGE)


if __name__ == "__main__":
    write_page(Path(sys.argv[1]))
