#!/bin/sh
# Writes all services' data, as they stood at one moment, to a file: deploy/backup.sh [FILE]
# Services may go on working. Passwords are not in it: roles come from .env (deploy/postgres/services.sh).
set -eu
umask 077
file=${1:-backups/tahoe-$(date -u +%Y%m%dT%H%M%SZ).dump}
mkdir -p "$(dirname "$file")"
trap 'rm -f "$file.part"' EXIT
docker compose exec -T postgres sh -c 'exec pg_dump --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --format=custom' \
    >"$file.part"
# Read back whole: the name is given only to what can be restored.
docker compose exec -T postgres pg_restore --file=/dev/null <"$file.part"
mv "$file.part" "$file"
echo "$file"
