"""polars as an expert would write it: running totals per key, read at the edges of every window by one `join_asof` per key and source."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import polars as pl

from benchmarks.feature_speed.work import ENTITIES, SOURCES, WINDOWS, Events, feature_name, feature_names


def run(data: Path, out: Path) -> None:
    """Write `claim_id` and the 72 features of every claim of the data set `data` to the Parquet file `out`."""
    columns = ("claim_id", "filed_at", *(f"{entity}_id" for entity in ENTITIES))
    claims = pl.read_parquet(data / "claims.parquet", columns=list(columns)).with_row_index("row")
    answers = [_history(data, claims, entity, source) for entity in ENTITIES for source in SOURCES]
    joined = reduce(lambda left, right: left.join(right, on="row", how="left"), answers, claims)
    joined.select("claim_id", *feature_names()).write_parquet(out)


def _history(data: Path, claims: pl.DataFrame, entity: str, source: Events) -> pl.DataFrame:
    """`row` and the twelve features of one entity and source."""
    key = f"{entity}_id"
    keys = claims.select(pl.col(key).unique()).with_row_index("k")
    asked = claims.join(keys, on=key).select("row", "k", at="filed_at")
    found = _probes(asked).join_asof(
        _running_totals(data, keys, key, source),
        on="at",
        by="k",
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    totals = found.select("row", "window", pl.col("n", "s").fill_null(0).cast(pl.Int64))
    wide = totals.pivot("window", index="row", on_columns=[0, *WINDOWS], values=["n", "s"], aggregate_function="first")
    return wide.select("row", *(each for window in WINDOWS for each in _window(entity, source, window)))


def _probes(asked: pl.DataFrame) -> pl.DataFrame:
    """Every claim at its filing (window 0) and at the start of each window, in order of time."""
    edges = [
        asked.with_columns(pl.col("at") - pl.duration(days=window), window=pl.lit(window)) for window in (0, *WINDOWS)
    ]
    return pl.concat(edges).sort("at")


def _running_totals(data: Path, keys: pl.DataFrame, key: str, source: Events) -> pl.DataFrame:
    """`k`, `at`, and `n` and `s`: number and cents of the key's events up to this one; only keys that have a claim."""
    events = pl.scan_parquet(data / f"{source.table}.parquet").join(keys.lazy(), on=key)
    cents = (pl.col(source.money) * 100).round().cast(pl.Int64)
    ordered = events.select("k", at=source.known_at, cents=cents).sort("at")
    totals = (pl.int_range(1, pl.len() + 1).over("k").alias("n"), pl.col("cents").cum_sum().over("k").alias("s"))
    return ordered.select("k", "at", *totals).collect()


def _window(entity: str, source: Events, window: int) -> tuple[pl.Expr, ...]:
    count = pl.col("n_0") - pl.col(f"n_{window}")
    cents = pl.col("s_0") - pl.col(f"s_{window}")
    mean = pl.when(count > 0).then(cents / count / 100)
    named = {"count": count, "sum": cents / 100, "mean": mean}
    return tuple(value.alias(feature_name(entity, source, name, window)) for name, value in named.items())
