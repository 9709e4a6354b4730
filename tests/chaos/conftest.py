"""Fixtures: what a fleet is made with."""

from __future__ import annotations

from tests.fleet.conftest import make_fleet, plugins

__all__ = ["make_fleet", "plugins"]
