"""How it is told that an API server gave no answer: what, where, why, and what may help."""

from __future__ import annotations

import os

import aiohttp

from shoal.errors import ClusterUnreachable

_UNTRUSTED = (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)
_MEND_TRUST = (
    "if another CA signs for its API server now, put that CA into the cluster's kubeconfig; "
    "it is read again by itself"
)
_MEND_NETWORK = (
    "see whether its API server runs and its address is right; it is tried again by itself"
)


def unanswered(where: str, what: str, error: Exception, why: str = "") -> ClusterUnreachable:
    """No answer to `what` from `where`; `why` says it better than the error, if it is given."""
    return ClusterUnreachable(
        f"{where} gave no answer to {what}: {why or _short(error)}",
        next_step=_MEND_TRUST if isinstance(error, _UNTRUSTED) else _MEND_NETWORK,
    )


def _short(error: BaseException) -> str:
    """Why a connection failed, without addresses of memory or stacks of wrapped errors."""
    match error:
        case TimeoutError():
            return "timed out"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed"
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted ({error.certificate_error})"
        case OSError() if error.errno is not None and error.errno > 0:
            # asyncio says "Connect call failed ('10.0.0.1', 6443)" where the system has a word.
            return os.strerror(error.errno).lower()
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error) or type(error).__name__
