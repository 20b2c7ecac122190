#!/bin/sh
# Starts Redis with a user for each service whose password is given, who sees the keys of its own namespace alone.
# The list of users is made anew at each start, so a changed password needs `make up` and nothing else.
set -eu
umask 077
users=/tmp/users.acl

add_user() { # VARIABLE NAME PASSWORD RULES
    if [ -z "$3" ]; then return 0; fi
    case "${ENVIRONMENT:-}" in
    staging | production)
        if [ "$3" = changeme ]; then
            echo "$1 is that of .env.example, and ENVIRONMENT=$ENVIRONMENT needs one of its own: make env" >&2
            exit 1
        fi
        ;;
    esac
    echo "user $2 on #$(printf %s "$3" | sha256sum | cut -d ' ' -f 1) $4" >>"$users"
}

add_service() { # VARIABLES' PREFIX, NAMESPACE, PASSWORD
    name=${2%:}
    # No SCAN, KEYS or RANDOMKEY: they would show the names of others' keys. Nothing that configures the server.
    add_user "$1_REDIS_PASSWORD" "$name" "$3" \
        "~$name:* &$name:* -@all +@read +@write +@connection +@transaction +eval +evalsha -@dangerous -scan -randomkey -dbsize"
}

# The default user is off; the health check may say PING.
printf 'user default off\nuser health on nopass -@all +ping\n' >"$users"
add_service AGENT_ENGINE "$AGENT_ENGINE_REDIS_NAMESPACE" "${AGENT_ENGINE_REDIS_PASSWORD:-}"
add_service AUTH "$AUTH_REDIS_NAMESPACE" "${AUTH_REDIS_PASSWORD:-}"
add_service BILLING "$BILLING_REDIS_NAMESPACE" "${BILLING_REDIS_PASSWORD:-}"
add_user REDIS_ADMIN_PASSWORD admin "${REDIS_ADMIN_PASSWORD:-}" '~* &* +@all'

# Every entry has an end, so the nearest to it goes first where memory is short.
exec redis-server --bind '* -::*' --dir /data --aclfile "$users" --appendonly yes --appendfsync everysec \
    --maxmemory "${REDIS_MAX_MEMORY:-256mb}" --maxmemory-policy volatile-ttl
