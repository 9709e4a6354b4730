"""Picks ports for servers on loopback that will still be free when they are started again.

The kernel lends ports of the ephemeral range (from 32768 on Linux, 49152 on macOS) to outgoing
connections; a server that is killed and restarted on such a port may find it taken. These come
from below.
"""

from __future__ import annotations

import secrets
import socket

_FIRST, _LAST = 20000, 32000
_ATTEMPTS = 200


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now; another process may still be faster."""
    for _ in range(_ATTEMPTS):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        with socket.socket() as candidate:
            # What servers do: else a connection in TIME_WAIT makes a free port look taken.
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port of 127.0.0.1 between {_FIRST} and {_LAST}")
