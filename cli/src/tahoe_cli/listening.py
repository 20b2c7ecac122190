import socket

from tahoe_core.errors import UnavailableError

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Takes a port, before anything that would serve on it is started; port 0 is any that is free.

    Raises:
        UnavailableError: Somebody else has it, or may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: only then does asyncio send small answers at once (TCP_NODELAY), rather than 40 ms later.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)  # until one listens, two could bind
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"Port {port} of {host} cannot be used: {error.strerror}.",
            cure="Stop what uses it, or choose another: AGENT_ENGINE_PORT=9001 tahoe up",
        ) from error
    return listener
