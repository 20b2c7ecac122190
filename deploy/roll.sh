#!/bin/sh
# Replaces the replicas of a service, with no moment without one that is ready: deploy/roll.sh SERVICE
# Run in the service's folder after its migrations. As many new ones are started beside the old, so there must be ports
# for both (AGENT_ENGINE_PORTS=0 takes any that are free). The old are told to stop only when the new are ready; each
# finishes what is in flight.
set -eu
service=${1:?the name of a service}
old=$(docker compose ps --quiet "$service")
count=$(echo "$old" | grep -c .) || { echo "$service does not run; make docker-up starts it." >&2; exit 1; }
docker compose up --detach --no-deps --no-recreate --wait --scale "$service=$((count * 2))" "$service"
for id in $old; do
    docker stop --time 40 "$id" >/dev/null
    docker rm "$id" >/dev/null
done
docker compose ps "$service"
