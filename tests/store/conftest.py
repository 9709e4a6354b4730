"""Plain values for tests of the store, with everything that does not matter filled in."""

from __future__ import annotations

import pytest

from shoal.testing.stored_values import StoredValues


@pytest.fixture(scope="session")
def make() -> StoredValues:
    return StoredValues()
