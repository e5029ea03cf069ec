"""featuretools with cutoff times: a feature matrix per window, with that window as training window before each claim's filing."""

from __future__ import annotations

import warnings
from functools import reduce
from pathlib import Path

import featuretools as ft
import pandas as pd
from featuretools.primitives import Count, Mean, Sum

from benchmarks.feature_speed.work import ENTITIES, SOURCES, WINDOWS, feature_name, feature_names

PRIMITIVES = {"count": Count, "sum": Sum, "mean": Mean}


def run(data: Path, out: Path) -> None:
    """Write `claim_id` and the 72 features of every claim of the data set `data` to the Parquet file `out`."""
    warnings.simplefilter("ignore")
    tables = {source.table: _table(data, source.table) for source in SOURCES}
    entities = _entity_set(tables)
    matrices = [_matrix(entities, tables["claims"], window) for window in WINDOWS]
    joined = reduce(lambda left, right: left.merge(right, on="claim_id"), matrices)
    joined[["claim_id", *feature_names()]].to_parquet(out, index=False)


def _table(data: Path, name: str) -> pd.DataFrame:
    """The columns that matter, times without a zone as featuretools wants them."""
    source = next(each for each in SOURCES if each.table == name)
    columns = [source.key, *(f"{entity}_id" for entity in ENTITIES), source.known_at, source.money]
    table = pd.read_parquet(data / f"{name}.parquet", columns=columns)
    return table.assign(**{source.known_at: table[source.known_at].dt.tz_convert(None)})


def _entity_set(tables: dict[str, pd.DataFrame]) -> ft.EntitySet:
    """The claims that are asked about, their customers and sellers, and the events of these.

    What is asked about has no time, or a claim that is not known before its own filing would not be found at all.
    """
    entities = ft.EntitySet()
    keys = [f"{entity}_id" for entity in ENTITIES]
    asked = tables["claims"][["claim_id", *keys]]
    entities.add_dataframe(dataframe=asked.copy(), dataframe_name="asked", index="claim_id")
    for source in SOURCES:
        table = tables[source.table]
        concerned = table[keys[0]].isin(asked[keys[0]]) | table[keys[1]].isin(asked[keys[1]])
        rows = table[concerned].copy()
        entities.add_dataframe(
            dataframe=rows, dataframe_name=source.table, index=source.key, time_index=source.known_at
        )
    for key in keys:
        known = pd.concat([asked[key], *(tables[source.table][key] for source in SOURCES)]).unique()
        entities.add_dataframe(dataframe=pd.DataFrame({key: known}), dataframe_name=key, index=key)
        for child in ("asked", *tables):
            entities.add_relationship(key, key, child, key)
    return entities


def _matrix(entities: ft.EntitySet, claims: pd.DataFrame, window: int) -> pd.DataFrame:
    """`claim_id` and the eighteen features of one window; an empty window counts nothing and sums to nothing."""
    matrix: pd.DataFrame = ft.calculate_feature_matrix(
        _features(entities),
        entityset=entities,
        cutoff_time=pd.DataFrame({"claim_id": claims["claim_id"], "time": claims["filed_at"]}),
        training_window=ft.Timedelta(window, "d"),
        include_cutoff_time=False,
    )
    names = [feature_name(e, source, name, window) for e in ENTITIES for source in SOURCES for name in PRIMITIVES]
    filled = matrix.set_axis(names, axis="columns").astype("float64")
    return filled.fillna({name: 0 for name in names if "_mean_" not in name}).reset_index()


def _features(entities: ft.EntitySet) -> list[ft.FeatureBase]:
    """Count, sum and mean of each source, of the customer and then of the seller."""
    features: list[ft.FeatureBase] = []
    for entity in ENTITIES:
        for source in SOURCES:
            for name, primitive in PRIMITIVES.items():
                column = entities[source.table].ww[source.key if name == "count" else source.money]
                of_parent = ft.Feature(column, parent_dataframe_name=f"{entity}_id", primitive=primitive)
                features.append(ft.Feature(of_parent, dataframe_name="asked"))
    return features
