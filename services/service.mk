# What every service's Makefile has in common. It sets SERVICE and ROOT, and includes this.
.PHONY: docker-build docker-migrate docker-up up docker-roll docker-down logs
ENV ?= $(abspath $(ROOT))/.env
REPLICAS ?= 1
export COMPOSE_ENV_FILES := $(ENV)

$(ENV):
	@echo "There is no $@. Run make env at the root, or write your own after .env.example." >&2; exit 1

docker-build: $(ENV) ## Build its image
	@docker compose build $(SERVICE)

docker-migrate: $(ENV) ## Migrate its database, as the role that owns the tables
	@docker compose run --rm migrate

docker-up: docker-build docker-migrate ## Build, migrate and start it in containers (REPLICAS=3: several)
	@docker compose up --detach --wait --scale $(SERVICE)=$(REPLICAS)

up: docker-up ## The same

docker-roll: docker-build docker-migrate ## Build, migrate and replace its containers one by one, under load
	@$(ROOT)/deploy/roll.sh $(SERVICE)

docker-down: $(ENV) ## Stop its containers
	@docker compose down

logs: $(ENV) ## Follow its containers' logs
	@docker compose logs --follow --tail 100
