"""Whose certificates are believed."""

import ssl
from functools import cache

import httpx


@cache
def get_tls() -> ssl.SSLContext:
    """Returns how certificates are checked, for all clients: to read them takes 20 ms and a megabyte each time."""
    return httpx.create_ssl_context()
