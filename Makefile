.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format types contracts tests validate bench clean
PYTHON ?= python3
BIN := .venv/bin
REWARDS ?= ../shared/data/taskmaster4_reward_dev.json

help: ## Print this menu
	@printf 'Tahoe\n\n'
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.synced ## Install the right Python and every dependency, locked, into .venv

.venv/.synced: uv.lock pyproject.toml core/pyproject.toml services/agent-engine/pyproject.toml cli/pyproject.toml .python-version
	@uv=$$($(PYTHON) scripts/get_uv.py) && "$$uv" sync --locked --compile-bytecode
	@touch $@

demo: setup ## Score the example interactions and write their reports
	@$(BIN)/tahoe demo

test: lint types contracts tests ## Lint, types, import contracts and all tests

lint: setup ## Check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: setup ## Mend style and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: setup ## Check types
	$(BIN)/mypy core/src services/agent-engine/src cli/src scripts benchmarks
	$(BIN)/mypy core/tests
	$(BIN)/mypy services/agent-engine/tests services/agent-engine/scripts
	$(BIN)/mypy cli/tests tests

contracts: setup ## Check who imports whom
	$(BIN)/lint-imports

tests: setup ## Run all tests
	$(BIN)/pytest

validate: setup ## Check settings, database, seed, API and one scored interaction
	@$(BIN)/python scripts/validate_r1_foundation.py

bench: setup ## Measure, and print the tables of docs/benchmarks.md
	@$(BIN)/python benchmarks/scoring.py
	@$(BIN)/python benchmarks/startup.py
	@if [ -f $(REWARDS) ]; then $(BIN)/python benchmarks/trajectory.py --data $(REWARDS); \
	else echo "trajectory.py: left out, $(REWARDS) is not here (make bench REWARDS=FILE)"; fi

clean: ## Remove what was built (the data in TAHOE_HOME stays)
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
