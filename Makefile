.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format types contracts tests validate bench clean
.PHONY: env up down ps logs psql roles backup restore docker-test
PYTHON ?= python3
BIN := .venv/bin
URL ?=
ENV ?= $(CURDIR)/.env
PROFILE ?=
FILE ?=
export COMPOSE_ENV_FILES := $(ENV)
export TAHOE_CONTAINER_ENGINE ?= $(CURDIR)/../shared/tools/container-engine
REWARDS ?= ../shared/data/taskmaster4_reward_dev.json
LOCOMO ?= ../shared/data/locomo_dev.json

help: ## Print this menu
	@printf 'Tahoe\n\n'
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

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

tests: setup ## Run all tests, several at once, but for those that measure time
	$(BIN)/pytest -m "not timed" -n logical --maxprocesses 4
	$(BIN)/pytest -m timed

validate: setup ## Check it from settings to scoring (URL=http://localhost:8001: one that is deployed)
	@$(BIN)/python scripts/validate_r1_foundation.py $(if $(URL),--url $(URL))

env: setup ## Write a .env for the containers, with passwords of its own
	@$(BIN)/python scripts/make_env.py "$(ENV)"

$(ENV):
	@echo "There is no $@. Run make env, or write your own after .env.example." >&2; exit 1

up: $(ENV) ## Start Postgres and Redis in containers (PROFILE=debug: pgAdmin and Redis Commander too)
	@docker compose $(if $(PROFILE),--profile $(PROFILE)) up --detach --wait

down: $(ENV) ## Stop them; what they hold stays in their volumes
	@docker compose --profile debug down

ps: ## List the platform's containers
	@docker ps --all --filter "network=$${TAHOE_PLATFORM:-tahoe}-network"

logs: $(ENV) ## Follow the logs of Postgres and Redis
	@docker compose logs --follow --tail 100

psql: $(ENV) ## Open a psql as the superuser
	@docker compose exec postgres sh -c 'exec psql --username="$$POSTGRES_USER" --dbname="$$POSTGRES_DB"'

roles: $(ENV) ## Make the databases and passwords of .env anew, after one was added or changed
	@docker compose up --detach --wait
	@docker compose exec -T postgres /docker-entrypoint-initdb.d/10-services.sh

backup: $(ENV) ## Write all data to backups/ (FILE=NAME: there)
	@deploy/backup.sh $(FILE)

restore: $(ENV) ## Put a backup in the database's place: FILE=NAME, with the services stopped
	@deploy/restore.sh "$(FILE)"

docker-test: setup ## Build and test everything in containers; starts a container engine where it can
	@scripts/docker_test.sh $(BIN)/pytest

bench: setup ## Measure, and print the tables of docs/benchmarks.md
	@$(BIN)/python benchmarks/scoring.py
	@$(BIN)/python benchmarks/startup.py
	@if [ -f $(REWARDS) ]; then $(BIN)/python benchmarks/trajectory.py --data $(REWARDS); \
	else echo "trajectory.py: left out, $(REWARDS) is not here (make bench REWARDS=FILE)"; fi
	@if [ -f $(LOCOMO) ]; then $(BIN)/python benchmarks/locomo.py --data $(LOCOMO); \
	else echo "locomo.py: left out, $(LOCOMO) is not here (make bench LOCOMO=FILE)"; fi
	@$(BIN)/python benchmarks/memory_scale.py
	@$(BIN)/python benchmarks/runtime.py

clean: ## Remove what was built (the data in TAHOE_HOME stays)
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
