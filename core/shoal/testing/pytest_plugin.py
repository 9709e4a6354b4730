"""The pytest plugin `shoal`: fixtures for authors of plugins. Light: it is loaded in every session.

shoal_host        makes the `Host` that a plugin's object is called with
shoal_plugins     loads the entry points named, and nothing else that is installed
shoal_controller  a controller of plain values, served on a socket; `shoal_controller.state`
                  is the folder for `--state`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from shoal.composition.loading import Plugins
    from shoal.hooks.host import Host
    from shoal.testing.controllers import FakeController


@pytest.fixture
def shoal_host(tmp_path: Path) -> Callable[..., Host]:
    """`shoal_host(secrets={"default/token": {"token": b"…"}})` → a Host with folders of its own."""
    from shoal.testing.hosts import make_host

    def make(**given: object) -> Host:
        return make_host(tmp_path / "host", **given)  # type: ignore[arg-type]  # checked at run time

    return make


@pytest.fixture
def shoal_plugins() -> Callable[..., Plugins]:
    """`shoal_plugins("git", "mine")` → these plugins, loaded through their entry points."""
    from shoal.composition.loading import load_plugins

    def load(*names: str) -> Plugins:
        return load_plugins(names)

    return load


@pytest.fixture
def shoal_controller(tmp_path: Path) -> Iterator[FakeController]:
    """A controller that answers commands; give it views, then run `shoal … --state STATE`."""
    from shoal.testing.controllers import FakeController, served

    with served(FakeController(), tmp_path / "state") as controller:
        yield controller
