#!/bin/sh
# Makes the database of each service whose passwords are given: roles, schema, rights. Postgres runs it on an empty
# volume; `make roles` runs it again, after a password or a service was added. What is there stays.
set -eu

make_service() { # VARIABLES' PREFIX, SCHEMA, PASSWORD OF THE OWNER, PASSWORD OF THE APPLICATION
    if [ -z "$3$4" ]; then return 0; fi
    # By \getenv: a command line is for all to read.
    OWNER_PASSWORD="${3:?$1_DB_OWNER_PASSWORD is not set}" APP_PASSWORD="${4:?$1_DB_PASSWORD is not set}" \
        psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
        --set=database="$POSTGRES_DB" --set=schema="$2" --set=workflow_schema="$2_dbos" \
        --set=owner="$2_owner" --set=app="$2_app" <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
SET client_min_messages = warning;
\i /usr/local/share/tahoe/service_database.sql
SQL
    services="$services $2_app"
    echo "service database: $2"
}

# A person's own role, DATABASE_USER: it may what the applications may, and no more. No service connects as it.
make_developer() { # NAME PASSWORD APPLICATIONS…
    if [ -z "$2" ]; then return 0; fi
    name=$1 password=$2
    shift 2
    DEVELOPER_PASSWORD="$password" psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" \
        --dbname="$POSTGRES_DB" --set=name="$name" --set=database="$POSTGRES_DB" <<'SQL'
\getenv password DEVELOPER_PASSWORD
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"name";
SQL
    for application in "$@"; do
        psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
            --set=name="$name" --set=application="$application" <<'SQL'
GRANT :"application" TO :"name";
SQL
    done
}

services=""
make_service AGENT_ENGINE "$AGENT_ENGINE_DB_SCHEMA" "${AGENT_ENGINE_DB_OWNER_PASSWORD:-}" "${AGENT_ENGINE_DB_PASSWORD:-}"
make_service AUTH "$AUTH_DB_SCHEMA" "${AUTH_DB_OWNER_PASSWORD:-}" "${AUTH_DB_PASSWORD:-}"
make_service BILLING "$BILLING_DB_SCHEMA" "${BILLING_DB_OWNER_PASSWORD:-}" "${BILLING_DB_PASSWORD:-}"
# shellcheck disable=SC2086 # one word a role
make_developer "${DATABASE_USER:-tahoe_user}" "${DATABASE_PASSWORD:-}" $services
