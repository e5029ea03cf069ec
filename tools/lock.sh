#!/usr/bin/env bash
# Resolves pyproject.toml, requirements-spark.in and requirements-bench.in into the three lock files: hashes, no index addresses, every platform, Python from 3.11.
# What is locked already stays, unless `tools/lock.sh --upgrade` says otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$@"; }
compile --extra dev pyproject.toml --output-file requirements.lock "$@"
compile --constraint requirements.lock requirements-spark.in --output-file requirements-spark.lock "$@"
compile requirements-bench.in --output-file requirements-bench.lock "$@" # an environment of its own: nothing of it needs to agree
