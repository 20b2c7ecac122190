"""Service tokens: one secret a team, presented as a bearer token.

`tahoe_st_` + 43 characters (256 random bits) + 6 characters (CRC-32 of what stands before), all base 62. The prefix
lets secret scanners find a leaked one, the checksum tells a mistyped one from a wrong one, without asking anybody.

`python -m tahoe_core.security.service_token` prints a new one.
"""

import hashlib
import hmac
import re
import secrets
import string
import sys
import zlib

from pydantic import SecretStr

PREFIX = "tahoe_st_"
SECRET_BYTES = 32
SECRET_CHARACTERS = 43
CHECKSUM_CHARACTERS = 6
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{SECRET_CHARACTERS + CHECKSUM_CHARACTERS}}}")


def create_service_token() -> SecretStr:
    """Returns a new token of 256 random bits."""
    body = PREFIX + _base62(secrets.randbits(SECRET_BYTES * 8), SECRET_CHARACTERS)
    return SecretStr(body + _checksum(body))


def is_well_formed(token: str) -> bool:
    """Whether the token has our shape and its checksum holds; says nothing of whose it is."""
    return bool(SHAPE.fullmatch(token)) and token[-CHECKSUM_CHARACTERS:] == _checksum(token[:-CHECKSUM_CHARACTERS])


def verify(presented: str, expected: SecretStr) -> bool:
    """Whether the two are the same token, in a time that does not depend on where they differ."""
    return hmac.compare_digest(_digest(presented), _digest(expected.get_secret_value()))


def _digest(token: str) -> bytes:
    # Of digests, equal in length: comparing the tokens themselves would tell the length of the expected one.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_CHARACTERS)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(BASE62))
        digits.append(BASE62[digit])
    return "".join(reversed(digits))


if __name__ == "__main__":
    sys.stdout.write(create_service_token().get_secret_value() + "\n")
