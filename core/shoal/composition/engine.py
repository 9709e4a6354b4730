"""Opens what a controller is made of: store, telemetry and engine, in that order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shoal.api.facade import Controller
from shoal.composition.serving import Foundation


@asynccontextmanager
async def open_engine(foundation: Foundation) -> AsyncIterator[Controller]:
    """The engine, running while the context is open; takes the lock of the state folder first."""
    raise NotImplementedError("the engine is plugged in here")
    yield
