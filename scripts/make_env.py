"""Writes a .env for the containers, with passwords, a team and its token that nobody else has; never over an old one.

python scripts/make_env.py [FILE]
"""

import os
import secrets
import sys
from pathlib import Path
from uuid import uuid4

from tahoe_core.security.service_token import create_service_token

ROOT = Path(__file__).resolve().parents[1]
PASSWORDS = (
    "POSTGRES_PASSWORD",
    "AGENT_ENGINE_DB_OWNER_PASSWORD",
    "AGENT_ENGINE_DB_PASSWORD",
    "AGENT_ENGINE_REDIS_PASSWORD",
    "REDIS_ADMIN_PASSWORD",
    "PGADMIN_PASSWORD",
)
ONLY_OWNER = 0o600


def main() -> int:
    """Says where it is, and what it changes for the commands that run outside of containers."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".env"
    lines = [
        "# Written by `make env`; .env.example explains every variable. Keep it to yourself.",
        *(f"{name}={secrets.token_urlsafe(24)}" for name in PASSWORDS),
        f"TAHOE_TEAM_ID={uuid4()}",
        f"TAHOE_SERVICE_TOKEN={create_service_token().get_secret_value()}",
        "DATABASE_HOST=localhost",
        "REDIS_HOST=localhost",
    ]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER)
    except FileExistsError:
        print(f"{path} is there already, and stays as it is.", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(f"{path}: passwords, a team and its token. From now on `tahoe` uses the Postgres of `make up` here.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
