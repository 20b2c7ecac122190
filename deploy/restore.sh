#!/bin/sh
# Puts a backup in the place of the database: deploy/restore.sh FILE
# It is read into a database of its own first, so that a bad file changes nothing; what stood there before is kept as
# NAME_before until the next time. The services must be stopped, or what they write meanwhile would be lost.
set -eu
file=${1:?the file of a backup}
test -r "$file" || { echo "$file cannot be read." >&2; exit 1; }

in_postgres() { docker compose exec -T postgres sh -euc "$1"; }

connected=$(in_postgres 'psql -XAtq -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"')
if [ "$connected" != 0 ]; then
    echo "$connected connections use the database. Stop the services first: make docker-down in their folders." >&2
    exit 1
fi
in_postgres 'psql -Xq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<SQL
SET client_min_messages = warning;
DROP DATABASE IF EXISTS "${POSTGRES_DB}_restored";
CREATE DATABASE "${POSTGRES_DB}_restored";
SQL'
docker compose exec -T postgres sh -euc 'exec pg_restore --username="$POSTGRES_USER" --dbname="${POSTGRES_DB}_restored" \
    --single-transaction --exit-on-error' <"$file"
in_postgres 'psql -Xq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<SQL
SET client_min_messages = warning;
DROP DATABASE IF EXISTS "${POSTGRES_DB}_before";
BEGIN;
ALTER DATABASE "$POSTGRES_DB" RENAME TO "${POSTGRES_DB}_before";
ALTER DATABASE "${POSTGRES_DB}_restored" RENAME TO "$POSTGRES_DB";
COMMIT;
SQL
# Who may connect is said of a database and not in it; the rest is there and stays.
/docker-entrypoint-initdb.d/10-services.sh'
