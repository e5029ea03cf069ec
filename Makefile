# `make` alone explains the targets. Everything runs from .venv (or VENV=...), which `setup` builds from requirements.lock.
.DEFAULT_GOAL := help
.PHONY: help setup setup-spark demo test test-fast test-random clean lint types format bench bench-quality bench-tsa bench-features bench-serving bench-labels bench-boosters bench-ablation bench-reasons notebooks docs lock clients
PYTHON ?= python3
export PYTHON
VENV ?= .venv
export VENV
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TWO := -n 2 --dist loadfile --no-loadscope-reorder
JAVA := $(shell "$${JAVA_HOME:+$$JAVA_HOME/bin/}java" -version >/dev/null 2>&1 && echo found)

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Build .venv from requirements.lock: everything but Spark

$(READY): requirements.lock pyproject.toml tools/install.sh
	@echo "Building $(VENV) from requirements.lock"
	@tools/install.sh requirements.lock $(VENV)
	@touch $@

setup-spark: $(VENV)/.ready-spark ## Add Spark to .venv, for --engine spark; it needs Java 17 beside it

$(VENV)/.ready-spark: $(READY) requirements-spark.lock
	@echo "Adding Spark from requirements-spark.lock"
	@tools/install.sh requirements-spark.lock $(VENV)
	@touch $@

demo: setup ## The whole path on a generated marketplace: a scoreboard and an HTML report
	@$(BIN)/claimvet demo

test: $(if $(JAVA),setup-spark,setup) ## Run all tests, on two cores; without Java all but those of Spark
	@$(if $(JAVA),,echo "Java is missing, so the tests of Spark are left out; expected Java 17 to run them")
	@$(BIN)/python -m pytest $(TWO) $(if $(JAVA),,-m "not spark")

test-fast: setup ## Run the tests that need no Spark or server and are not marked slow, with fewer examples
	@CLAIMVET_HYPOTHESIS=fast $(BIN)/python -m pytest $(TWO) -m "not (spark or slow or server)"

test-random: setup ## Run the property tests on more examples from a new seed, which is printed; SEED=7 repeats one
	@$(BIN)/python tools/random_properties.py $(SEED)

clean: ## Remove environments and caches that a command here builds again; data, models and stores stay
	rm -rf .venv .venv-bench .venv-ci .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lint: setup ## Style, format and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: setup ## Strict type check
	@$(BIN)/mypy

format: setup ## Put the code into its standard form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

CLIENTS := tests/scoring_service/clients
clients: setup ## Install generators of clients and linters of OpenAPI, for the tests of the endpoint's document; needs npm
	@cd $(CLIENTS) && npm ci --silent --no-audit --no-fund
	@$(PYTHON) -m venv $(CLIENTS)/.venv
	@$(CLIENTS)/.venv/bin/python -m pip install -qq --disable-pip-version-check -r $(CLIENTS)/requirements.in

lock: setup ## Resolve pyproject.toml anew into requirements.lock, and the .in files into theirs
	@tools/lock.sh

notebooks: setup ## Run the notebooks from top to bottom; writes notebooks/*.ipynb with their plots
	@$(BIN)/jupytext --quiet --to ipynb --execute notebooks/*.py

docs: setup ## Write the pages that follow from code: contract, features, commands, parameters
	@$(BIN)/python -m claimvet.pipeline.validate.reference_page
	@$(BIN)/python -m claimvet.features.catalogue.reference_page docs
	@$(BIN)/python -m claimvet.pipeline.cli.reference_page docs

bench: bench-quality bench-features bench-serving ## Run the benchmarks; their figures go to docs/benchmarks.md

bench-quality: .venv-bench/.ready ## Quality beside published tables: card fraud, vehicle claims, TSA; QUALITY="vehicle tsa" for some
	@$(BIN)/python -m benchmarks.quality $(QUALITY)

bench-tsa: setup ## Quality on real claims, from ../shared/data or where CLAIMVET_BENCH_DATA points
	@$(BIN)/python -m benchmarks.tsa_quality

bench-labels: setup ## Which labels should train, on marketplaces whose truth is known; LABELS="--worlds 20000:7" for some
	@$(BIN)/python -m benchmarks.soft_labels $(LABELS)

bench-boosters: setup ## Two boosters against one multiclass model, on the same marketplaces; BOOSTERS="--worlds 20000:7" for some
	@$(BIN)/python -m benchmarks.two_boosters $(BOOSTERS)

bench-ablation: setup ## What each family of features is worth, in log loss and in money; ABLATION="--claims 40000" as you like
	@$(BIN)/python -m benchmarks.ablation $(ABLATION)

bench-reasons: setup ## Speed of reasons, beside pred_contrib
	@$(BIN)/python -m benchmarks.reasons_speed

bench-features: .venv-bench/.ready ## Speed of 72 features beside others; FEATURES="--sizes 1000,10000 --shape hot" as you like
	@$(BIN)/python -m benchmarks.feature_speed $(FEATURES)

bench-serving: setup ## Speed of the endpoint beside mlflow models serve; SERVING="--seconds 20" as you like
	@$(BIN)/python -m benchmarks.serving_speed $(SERVING)

.venv-bench/.ready: requirements-bench.lock tools/install.sh | $(READY)
	@echo "Building .venv-bench from requirements-bench.lock"
	@tools/install.sh requirements-bench.lock .venv-bench
	@touch $@
