"""The peers live in an environment of their own (requirements-bench.lock), so that their modules cannot be imported by the tests."""

collect_ignore_glob = [
    "feature_speed/with_feast.py",
    "feature_speed/with_featuretools.py",
    "feature_speed/with_polars.py",
    "with_catboost.py",
]
