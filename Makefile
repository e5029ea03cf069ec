# `make` alone explains the targets. Everything runs from .venv, which `setup` builds from requirements.lock.
.DEFAULT_GOAL := help
.PHONY: help setup setup-spark demo test lint types format bench bench-tsa bench-features notebooks docs lock
PYTHON ?= python3
export PYTHON
BIN := .venv/bin
READY := .venv/.ready

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Build .venv from requirements.lock: everything but Spark

$(READY): requirements.lock pyproject.toml tools/install.sh
	@echo "Building .venv from requirements.lock"
	@tools/install.sh requirements.lock
	@touch $@

setup-spark: setup ## Add Spark to .venv (needs Java 17); the engine for it is not built yet
	@tools/install.sh requirements-spark.lock

demo: setup ## The whole path on a generated marketplace: a scoreboard and an HTML report
	@$(BIN)/claimvet demo

test: setup ## Run all tests, on two cores
	@$(BIN)/python -m pytest -n 2

lint: setup ## Style, format and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: setup ## Strict type check
	@$(BIN)/mypy

format: setup ## Put the code into its standard form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: setup ## Resolve pyproject.toml anew into requirements.lock, and the .in files into theirs
	@tools/lock.sh

notebooks: setup ## Run the notebooks from top to bottom; writes notebooks/*.ipynb with their plots
	@$(BIN)/jupytext --quiet --to ipynb --execute notebooks/*.py

docs: setup ## Write the pages that follow from code: contract, features, commands, parameters
	@$(BIN)/python -m pipeline.validate.reference_page
	@$(BIN)/python -m features.reference_page docs
	@$(BIN)/python -m pipeline.reference docs

bench: bench-tsa bench-features ## Run the benchmarks; their figures go to docs/benchmarks.md

bench-tsa: setup ## Quality on real claims, from ../shared/data or where CLAIMVET_BENCH_DATA points
	@$(BIN)/python -m benchmarks.tsa_quality

bench-features: .venv-bench/.ready ## Speed of 72 features beside others; FEATURES="--sizes 1000,10000 --shape hot" as you like
	@$(BIN)/python -m benchmarks.feature_speed $(FEATURES)

.venv-bench/.ready: requirements-bench.lock tools/install.sh | $(READY)
	@echo "Building .venv-bench from requirements-bench.lock"
	@tools/install.sh requirements-bench.lock .venv-bench
	@touch $@
