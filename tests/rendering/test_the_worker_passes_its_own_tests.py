"""The Go module of the render worker: formatted, vetted, and its own tests pass.

They hold what cannot be seen from outside: that YAML is read as the library's own decoder reads it,
and that a worker locked in reaches no file, no address and no program.
"""

from __future__ import annotations

import os

import platformdirs
import pytest

from shoal.binaries import run_tool
from shoal.binaries.building import find_go
from shoal.binaries.specification import silent
from shoal_plugins.rendering.program import worker_sources

pytestmark = pytest.mark.timeout(900)  # 700 packages, once per machine


@pytest.fixture
async def go():
    return await find_go(cache=platformdirs.user_cache_path("shoal") / "bin", progress=silent)


@pytest.fixture
def module():
    return worker_sources()


@pytest.fixture
def environment():
    return os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -trimpath", "GOWORK": "off"}


async def test_the_module_passes_its_own_tests(go, module, environment):
    printed = await run_tool([go, "test", "./..."], folder=module, environment=environment)

    assert printed[-1].startswith("ok")


async def test_the_module_is_formatted_and_vetted(go, module, environment):
    unformatted = await run_tool([go.with_name("gofmt"), "-l", "."], folder=module)
    vetted = await run_tool([go, "vet", "./..."], folder=module, environment=environment)

    assert (unformatted, vetted) == ([], [])
