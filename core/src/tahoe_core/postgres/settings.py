"""How the server is set: values for ``postgres -c``, so that the code's settings hold and no file drifts away."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tahoe_core.postgres.postmaster import HOST

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 -- looked at, never written to
_ENOUGH_SHARED_MEMORY_BYTES = 256_000_000

_BASE = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes, a home's may have more
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # it costs more than it gains on short queries
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    # Statements and details carry what people said and wrote; a log is no place for that.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True)
class ServerSettings:
    """What a caller may choose.

    Args:
        durable: Whether everything is forced to the disk. False only for data that nobody will miss.
        options: Further settings by name, winning over ours.
    """

    durable: bool = True
    options: Mapping[str, str] = field(default_factory=dict)

    def list_arguments(self, port: int) -> list[str]:
        """The server's ``-c`` arguments."""
        values = {**_BASE, **_shared_memory_options(), **({} if self.durable else _THROWAWAY_OPTIONS)}
        values |= self.options
        values["port"] = str(port)
        return [argument for name, value in values.items() for argument in ("-c", f"{name}={value}")]


_THROWAWAY_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}

DURABLE = ServerSettings()
THROWAWAY = ServerSettings(durable=False)


def _shared_memory_options() -> dict[str, str]:
    """Files in the data directory in place of a small ``/dev/shm``.

    A container's is 64 MB by default, too small for a parallel query or for building a vector index.
    """
    if _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).total < _ENOUGH_SHARED_MEMORY_BYTES:
        return {"dynamic_shared_memory_type": "mmap"}
    return {}
