"""Asks a service whether it can work, for a container that has no curl: exit 0 if it answers with 200.

python -m tahoe_core.http.healthcheck http://127.0.0.1:8001/ready
"""

import http.client
import sys
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 4.0
OK = 200


def main() -> int:
    """Prints what is wrong, if anything is; Docker keeps it with the container's health."""
    address = urlsplit(sys.argv[1])
    connection = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", address.path)
        answer = connection.getresponse()
        said = answer.read(4096).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{address.netloc} does not answer: {error}\n")
        return 1
    finally:
        connection.close()
    if answer.status != OK:
        sys.stdout.write(f"{answer.status}: {said}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
