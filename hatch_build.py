"""Packs the render worker into the wheel: always its sources, and the program where there is one.

The build backend calls this for each wheel. It compiles nothing: `make worker` builds the program
into `build/`, or `SHOAL_RENDER_WORKER` names one, for this or for another platform. A wheel with
the program is tagged for the platform that the program is for; one without builds it at first use.
The example of a plugin is packed too: `shoal plugin new` begins with it.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PACKAGE = "shoal_plugins/rendering"


class RenderWorkerHook(BuildHookInterface):  # type: ignore[type-arg]  # only hatchling knows it
    """Adds the worker to what a wheel holds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; an editable wheel uses the checkout."""
        if version == "editable":
            return
        plugins = Path(self.root) / "plugins"
        sources = plugins / "render-worker"
        packing = _load(plugins / _PACKAGE / "packing.py")
        for file in packing.source_files(sources):
            build_data["force_include"][str(file)] = f"{_PACKAGE}/render_worker/{file.name}"
        example = _load(Path(self.root) / "core" / "shoal" / "cli" / "plugin_example.py")
        for path, file in example.example_files(Path(self.root) / "examples" / "plugin").items():
            build_data["force_include"][str(file)] = f"shoal/example_plugin/{path}"
        program = _program(Path(self.root))
        if program is None:
            return
        # Another platform's program cannot be asked, but it holds the version it was built with.
        wanted = packing.worker_version(self.metadata.version, sources)
        if wanted.encode() not in program.read_bytes():
            raise SystemExit(f"{program} is not {wanted}: run `make worker`, or remove it")
        platform = packing.platform_tag(program)
        if platform is None:
            raise SystemExit(f"{program} is for no platform that wheels are made for")
        build_data["force_include"][str(program)] = f"{_PACKAGE}/bin/shoal-render-worker"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"


def _program(root: Path) -> Path | None:
    if named := os.environ.get("SHOAL_RENDER_WORKER"):
        if not Path(named).is_file():
            raise SystemExit(f"SHOAL_RENDER_WORKER names {named}, which is no file")
        return Path(named).absolute()
    built = root / "build" / "shoal-render-worker"
    return built if built.is_file() else None


def _load(file: Path) -> Any:
    """A module by its path: what it is part of needs libraries that are not here."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
