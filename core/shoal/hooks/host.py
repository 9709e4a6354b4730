"""What the core lends to a plugin, so that it needs no environment, task or global of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.trace import Tracer

from shoal.model.digests import Digester

T = TypeVar("T")


class Secrets(Protocol):
    """Secrets by reference: `secretRef: {name: …}` in a document names one."""

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """All keys of one secret, read anew each time. AccessDenied when it is not there."""
        ...


class ThreadRunner(Protocol):
    """Runs blocking work off the event loop, under one limiter."""

    def __call__(self, function: Callable[..., T], /, *args: object) -> Awaitable[T]:
        """Call `function(*args)` in a thread; cancellation waits for it to return."""
        ...


class AtEnd(Protocol):
    """Remembers what to close; the last one first."""

    def __call__(self, close: Callable[[], Awaitable[None]], /) -> object:
        """Await `close()` when the controller ends."""
        ...


@dataclass(frozen=True, slots=True)
class Pod:
    """The Pod that the controller runs in: its API server's address, and its own account's folder.

    The folder holds `token` and `ca.crt`, which the kubelet renews in place.
    """

    server: str
    account_folder: Path


def _unknown() -> frozenset[str] | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to an https server, or to an http server of this machine.

    `authority` holds certificates (PEM) that are trusted beside those of the system. `proxy` is a
    URL, with its login if there is one, and stands for the proxy of the process.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    authority: bytes = field(default=b"", repr=False)
    proxy: str = field(default="", repr=False)
    deadline_seconds: float = 30.0
    most_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered, whatever its status; a redirect is an answer and is not followed.

    The names of headers are in lower case.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Http(Protocol):
    """HTTP under the rules of the installation: authorities, proxies, sizes, deadlines."""

    async def request(self, request: HttpRequest) -> HttpAnswer:
        """Send it once. HttpFailed without an answer, BudgetExceeded when it is too large.

        Messages name the server only, never path, header, body or login.
        """
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """One plugin's view of the installation.

    `fleet` is the fleet's name. `cache_folder` is this plugin's own, kept over restarts, safe to
    lose. `base_folder` is where relative local paths of documents start (the fleet's folder), None
    when the fleet is not a local folder: then local paths are refused. `at_end` takes what must be
    closed when the controller ends, a process that was started for instance. `exec_allowed` lists
    the programs that a kubeconfig may run, as it is at this moment. `meter` counts; its series are
    told apart by few words (a verb, a cluster, never an object), for what is beyond a bound is
    added up. `granted_revisions` gives the revisions, of all sources, that targets may have at this
    moment, or None while that is not known: a source keeps what it needs to hand them out again,
    and lets nothing go while it does not know. `render_memory_mib` is what one render may
    take: a renderer that starts a process holds it to that. `pod` is where the controller runs,
    when that is in a cluster.
    """

    fleet: str
    cache_folder: Path
    base_folder: Path | None
    secrets: Secrets
    digester: Digester
    tracer: Tracer
    run_in_thread: ThreadRunner
    at_end: AtEnd
    http: Http
    exec_allowed: Set[str] = frozenset()
    meter: Meter = field(default_factory=lambda: NoOpMeter("shoal"))
    granted_revisions: Callable[[], frozenset[str] | None] = _unknown
    render_memory_mib: int = 1024
    pod: Pod | None = None
