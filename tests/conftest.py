"""What all tests share; each part lives in a module of its own."""

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import hypothesis
import pytest
import uvloop
from blockbuster import blockbuster_ctx

from shoal.binaries import locate
from shoal_plugins.rendering.program import worker_program

pytest_plugins = ["shoal_clusters.controlplane.fixtures"]

# How long an example takes says something about the machine only.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
if hypothesis.settings.get_current_profile_name() == "default":
    hypothesis.settings.load_profile("suite")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find or make the render worker first: its build takes longer than a test may."""
    if session.items and not session.config.getoption("collectonly"):
        with ThreadPoolExecutor(1) as thread:  # apart from the loops of plugins
            thread.submit(asyncio.run, locate(worker_program(), progress=_said)).result()


def _said(message: str, fraction: float | None) -> None:
    if fraction in (None, 0.0):
        sys.stderr.write(f"{message}\n")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the loop that `shoal run` has."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def _no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """A call of ours that blocks the event loop fails the asynchronous test that made it."""
    if not inspect.iscoroutinefunction(getattr(request, "function", None)):
        yield
        return
    ours = ["shoal", "shoal_clusters", "shoal_plugins"]
    with blockbuster_ctx(
        ours, excluded_modules=["shoal.testing", "shoal_clusters.controlplane.audit"]
    ) as detector:
        # A lock that another thread holds for microseconds (a queue, a ring, a log) is no wait.
        detector.functions["threading.Lock.acquire"].deactivate()
        for function in detector.functions.values():
            # A late import reads files once; it is meant to, and it is measured elsewhere.
            function.can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
            # A traceback shows source lines; a bug of somebody's is worth reading them.
            function.can_block_in("rich/traceback.py", {"_render_stack"})
            function.can_block_in("linecache.py", {"checkcache", "updatecache"})
        yield
