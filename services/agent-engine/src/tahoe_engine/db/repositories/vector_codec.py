"""Vectors between Python and Postgres as bytes: as a list of numbers a vector costs its sender ten times the insert."""

import struct
from collections.abc import Sequence
from typing import Any

from pgvector import HalfVector
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

_KNOWS_VECTORS = "tahoe_knows_vectors"


async def connect_with_vectors(session: AsyncSession) -> AsyncConnection:
    """Returns the session's connection, on which `$1::halfvec` takes what `pack_vector` makes."""
    connection = await session.connection()
    if _KNOWS_VECTORS not in connection.info:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.set_type_codec("halfvec", schema="public", encoder=_encode, decoder=_decode, format="binary")
        connection.info[_KNOWS_VECTORS] = True
    return connection


def pack_vector(vector: Sequence[float]) -> bytes:
    """Returns a vector in half precision as pgvector sends and receives it.

    Raises:
        OverflowError: A number is larger than half precision holds.
    """
    return struct.pack(f">HH{len(vector)}e", len(vector), 0, *vector)


def _encode(value: bytes | str) -> bytes:
    # SQLAlchemy's type writes vectors as text.
    return HalfVector.from_text(value).to_binary() if isinstance(value, str) else value


def _decode(value: bytes) -> str:
    return HalfVector.from_binary(value).to_text()
