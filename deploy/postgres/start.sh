#!/bin/sh
# Starts Postgres, unless other people's work would stand behind a password that everybody can read in .env.example.
set -eu
case "${ENVIRONMENT:-}" in
staging | production)
    for name in POSTGRES_PASSWORD DATABASE_PASSWORD AGENT_ENGINE_DB_OWNER_PASSWORD AGENT_ENGINE_DB_PASSWORD \
        AUTH_DB_OWNER_PASSWORD AUTH_DB_PASSWORD BILLING_DB_OWNER_PASSWORD BILLING_DB_PASSWORD; do
        eval "password=\${$name:-}"
        if [ "$password" = changeme ]; then
            echo "$name is that of .env.example, and ENVIRONMENT=$ENVIRONMENT needs one of its own: make env" >&2
            exit 1
        fi
    done
    ;;
esac
exec docker-entrypoint.sh "$@"
