"""The render worker: a wheel brings it along, or it is built once from the module's sources."""

from __future__ import annotations

import dataclasses
import platform
import shutil

import pytest
from anyio import to_thread

from shoal import __version__
from shoal.binaries import locate, run_tool
from shoal_plugins.rendering.packing import platform_tag, source_files, worker_version
from shoal_plugins.rendering.program import worker_program, worker_sources


@pytest.fixture(autouse=True)
def _no_assets(monkeypatch):
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


@pytest.fixture
def described():
    """The worker as a helper program."""
    return worker_program()


@pytest.fixture
def sources(tmp_path):
    """A copy of the module that may be changed."""
    return shutil.copytree(worker_sources(), tmp_path / "render-worker")


@pytest.mark.timeout(900)  # the first build on a machine compiles 700 packages
async def test_the_worker_is_built_and_says_what_it_is(described):
    program = await locate(described)

    [line] = await run_tool([program, "--version"])
    assert line.startswith(f"shoal-render-worker {described.version} (helm v4.")
    assert described.version.startswith(f"{__version__}+")


@pytest.mark.timeout(900)
async def test_a_wheel_with_the_worker_is_tagged_for_its_platform(described):
    program = await locate(described)
    tag = await to_thread.run_sync(platform_tag, program)

    assert tag is not None
    assert tag.endswith(platform.machine())


async def test_the_worker_that_a_wheel_brought_is_taken(described, tmp_path):
    packed = tmp_path / "shoal-render-worker"
    packed.write_text("#!/bin/sh\n")
    packed.chmod(0o755)
    program = dataclasses.replace(described, packaged=packed)

    assert await locate(program, cache=tmp_path / "cache") == packed


@pytest.mark.timeout(900)
async def test_a_stranger_of_its_name_on_path_is_not_taken(described, tmp_path, monkeypatch):
    stranger = tmp_path / "shoal-render-worker"
    stranger.write_text("#!/bin/sh\n")
    stranger.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert await locate(described) != stranger


@pytest.mark.parametrize("name", ["main.go", "go.mod", "go.sum", "new.go"])
def test_changed_sources_make_another_version(sources, name):
    before = worker_version("1", sources)
    with (sources / name).open("a") as file:
        file.write("\n")

    assert worker_version("1", sources) != before


def test_tests_of_the_module_make_no_other_version(sources):
    before = worker_version("1", sources)
    (sources / "new_test.go").write_text("package main\n")

    assert worker_version("1", sources) == before


def test_the_module_is_whole():
    names = {file.name for file in source_files(worker_sources())}

    assert {"main.go", "go.mod", "go.sum"} <= names


@pytest.mark.parametrize(
    ("head", "tag"),
    [
        (b"\x7fELF".ljust(18, b"\0") + b"\x3e\0", "manylinux2014_x86_64.musllinux_1_1_x86_64"),
        (b"\x7fELF".ljust(18, b"\0") + b"\xb7\0", "manylinux2014_aarch64.musllinux_1_1_aarch64"),
        (b"\xcf\xfa\xed\xfe\x0c\0\0\x01", "macosx_12_0_arm64"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "macosx_12_0_x86_64"),
        (b"\x7fELF".ljust(18, b"\0") + b"\x08\0", None),
        (b"#!/bin/sh\n", None),
    ],
)
def test_the_platform_is_read_from_the_program(tmp_path, head, tag):
    program = tmp_path / "program"
    program.write_bytes(head)

    assert platform_tag(program) == tag
