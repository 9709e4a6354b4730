"""Credentials from exec plugins and OIDC, by kubernetes_asyncio in a short-lived child process.

kubernetes_asyncio knows every way in which a kubeconfig gets a token, but importing it costs three
seconds of CPU and 100 MB, most of the memory that the whole controller may use (ADR 0002). So it
runs in a child: the one context goes in by standard input, the credential comes out by standard
output, and a program that hangs is killed with its child when the deadline passes.

Run as a module it is that child; nobody calls it so but `ask`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio

from shoal.errors import AccessDenied
from shoal.model.endpoints import Credential
from shoal_clusters.access.contexts import is_token
from shoal_clusters.access.expiring import (
    Lifetime,
    lifetime_of_certificate,
    lifetime_of_token,
    shortest,
)

DEADLINE_SECONDS = 60.0


async def ask(
    path: Path,
    context: str,
    cluster: Mapping[str, Any],
    user: Mapping[str, Any],
    keep: Callable[[bytes], Path],
) -> Credential:
    """The credential of a user that has an exec plugin or an auth provider.

    `keep` stores a certificate or key where TLS can read it. Raises AccessDenied with the last line
    of what the plugin said; a plugin's output may hold the credential and is never shown whole.
    """
    question = {
        "folder": str(path.parent),
        "kubeconfig": {
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": dict(cluster)}],
            "users": [{"name": "it", "user": dict(user)}],
        },
    }
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            found = json.loads(await _run(json.dumps(question).encode()))
    except TimeoutError as error:
        raise AccessDenied(
            f"the credential of context {context} of {path} was not ready in {DEADLINE_SECONDS:g} s"
        ) from error
    except (ValueError, OSError) as error:
        raise AccessDenied(
            f"context {context} of {path} gave no credential: {error}",
            next_step="run kubectl with this context and see what it says",
        ) from error
    token, certificate, key = found["token"], found["certificate"].encode(), found["key"].encode()
    if token and not is_token(token):
        raise AccessDenied(f"what context {context} of {path} ran gave no token of one line")
    said = datetime.fromisoformat(found["expires_at"]) if found["expires_at"] else None
    lifetime = shortest(
        (Lifetime(None, said), lifetime_of_token(token), lifetime_of_certificate(certificate))
    )
    return Credential(
        token=token,
        client_certificate_file=str(keep(certificate)) if certificate else "",
        client_key_file=str(keep(key)) if key else "",
        issued_at=lifetime.begins,
        expires_at=lifetime.ends,
        renews_itself=True,
    )


async def _run(question: bytes) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Its own process group, so that the program it runs ends with it.
        start_new_session=True,
    )
    try:
        output, complaint = await child.communicate(question)
    finally:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            with anyio.CancelScope(shield=True):
                await child.wait()
    if child.returncode != 0:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise ValueError(lines[-1][:200] if lines else "the program failed without a word")
    return output


async def _answer(question: Mapping[str, Any]) -> dict[str, str]:
    from kubernetes_asyncio.config.kube_config import KubeConfigLoader

    loader = KubeConfigLoader(question["kubeconfig"], config_base_path=question["folder"])
    # The loader's public method also builds a client; what is wanted here is its first half.
    await loader._load_authentication()
    expiry = getattr(loader, "exec_plugin_expiry", None)
    return {
        "token": getattr(loader, "token", "").removeprefix("Bearer "),
        "certificate": _content(getattr(loader, "cert_file", None)),
        "key": _content(getattr(loader, "key_file", None)),
        "expires_at": expiry.isoformat() if expiry else "",
    }


def _content(file: str | None) -> str:
    return Path(file).read_text() if file else ""


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_answer(json.load(sys.stdin)))))  # noqa: T201  # it is the answer
