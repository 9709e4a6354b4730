"""A host for a plugin under test: its own folders, given secrets, real threads and HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

from anyio import to_thread
from opentelemetry.trace import NoOpTracer

from shoal.composition.requesting import HttpClient
from shoal.errors import AccessDenied
from shoal.hooks.host import AtEnd, Host, Pod
from shoal.model.digests import Digester

T = TypeVar("T")
Given = Mapping[str, Mapping[str, bytes]]


class GivenSecrets:
    """Secrets handed in as `{"namespace/name": {"key": b"…"}}`."""

    def __init__(self, secrets: Given) -> None:
        self._secrets = secrets

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """The secret; AccessDenied when it was not handed in."""
        try:
            return self._secrets[f"{namespace}/{name}"]
        except KeyError:
            raise AccessDenied(f"the secret {namespace}/{name} is not there") from None


def run_in_thread(function: Callable[..., T], /, *args: object) -> Awaitable[T]:
    """Run blocking work in a thread, as the real host does."""
    return to_thread.run_sync(function, *args)


def make_host(
    folder: Path,
    *,
    fleet: str = "test",
    secrets: Given | None = None,
    exec_allowed: frozenset[str] = frozenset(),
    at_end: AtEnd | None = None,
    pod: Pod | None = None,
) -> Host:
    """A host with `folder/cache` and `folder/base`, both there.

    A plugin that starts something closes it by `at_end`: hand in the `push_async_callback` of an
    AsyncExitStack of the test.
    """
    cache, base = folder / "cache", folder / "base"
    cache.mkdir(parents=True, exist_ok=True)
    base.mkdir(parents=True, exist_ok=True)
    return Host(
        fleet=fleet,
        cache_folder=cache,
        base_folder=base,
        secrets=GivenSecrets(secrets or {}),
        digester=Digester(b"a key for tests, 32 bytes long.."),
        tracer=NoOpTracer(),
        run_in_thread=run_in_thread,
        at_end=at_end or _refuse,
        http=HttpClient(run_in_thread),
        exec_allowed=exec_allowed,
        pod=pod,
    )


def _refuse(close: Callable[[], Awaitable[None]], /) -> object:
    raise AssertionError("the plugin opens something: give make_host an at_end that closes it")
