#!/usr/bin/env bash
# Runs tests/docker: scripts/docker_test.sh PYTEST [ARGUMENTS…]
# Where no container engine runs, that of TAHOE_CONTAINER_ENGINE is started (a folder with the programs `up` and `down`)
# and stopped again at the end. Where there is none, nothing is tested, which is said.
set -euo pipefail
engine=${TAHOE_CONTAINER_ENGINE:-}
if ! docker info >/dev/null 2>&1; then
    if [ ! -x "$engine/up" ]; then
        echo "SKIPPED: the tests in containers. No container engine runs, and TAHOE_CONTAINER_ENGINE names none." >&2
        exit 0
    fi
    "$engine/up"
    trap '"$engine/down"' EXIT
fi
pytest=$1
shift
"$pytest" tests/docker --timeout 900 --durations 12 "$@"
