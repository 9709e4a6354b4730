"""Charts and kustomizations: one render beside the original's command, and a first sync of them.

`render.*` renders each application of the workload by the renderer and by `helm template` or
`kustomize build`, one after the other. `cold_helm.*` and `cold_kustomize.*` are the first sync of
everything in that form; its floor is the parts alone: `git fetch`, all renders, and the same
objects applied by the bare client.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import anyio
from tests.rendering.originals.programs import HELM, KUSTOMIZE

from bench import forms
from bench.figures import Figures
from bench.forms import Form
from bench.parts import fetch_alone, make_mirror, render_alone
from bench.scene import FLOOR_USER, Scene, living, written
from bench.workload import application_names, objects_of
from shoal.binaries import locate

_FORMS = (Form.HELM, Form.KUSTOMIZE)


async def measure(scene: Scene, repeats: int) -> Figures:
    """The keys `cold_helm.*` and `cold_kustomize.*`."""
    figures: dict[str, Sequence[float]] = {}
    await scene.apply_bare(objects_of("default", scene.size.objects))
    for form in _FORMS:
        walls: list[float] = []
        floors: list[float] = []
        for index in range(repeats):
            wall, floor = await _first_sync(scene, form, f"cold-{form}-{index}")
            walls.append(wall)
            floors.append(floor)
        figures |= {
            f"cold_{form}.wall_seconds": walls,
            f"cold_{form}.floor_wall_seconds": floors,
            f"cold_{form}.wall_over_floor": [
                wall / floor for wall, floor in zip(walls, floors, strict=True)
            ],
        }
    return figures


async def measure_renders(scene: Scene, repeats: int) -> Figures:
    """The keys `render.*`: milliseconds per render, and how many times the command takes."""
    figures: dict[str, Sequence[float]] = {}
    for form in _FORMS:
        root = scene.folder / f"render-{form}"
        names = application_names(scene.size)
        for name in names:
            forms.write(form, root / name, objects_of(name, scene.size.objects))
        command = await _command(form)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(repeats):
            ours.append(await render_alone(form, root, names) / len(names) * 1000)
            theirs.append(await anyio.to_thread.run_sync(_run_each, command, root, names) * 1000)
        figures |= {
            f"render.{form}_ms": ours,
            f"render.{form}_command_ms": theirs,
            f"render.{form}_speedup": [
                their / our for their, our in zip(theirs, ours, strict=True)
            ],
        }
    return figures


async def _first_sync(scene: Scene, form: Form, name: str) -> tuple[float, float]:
    """The wall seconds of a first sync, and those of its parts alone."""
    size = scene.size
    tail = scene.tail()
    names = application_names(size)
    async with living(scene, name, filled=0, form=form) as it:
        mirror = await make_mirror(it, scene.folder / f"{name}.git")
        it.fill(range(size.applications))
        pushed = await it.push("Fill the applications")
        requests = await it.until(tail, lambda found: len(written(found)) >= size.total)
        fetched = await fetch_alone(mirror)
        rendered = await render_alone(form, it.repository.folder, names)
    last = max(one.answered for one in requests if one.has_written)
    prefix = f"{FLOOR_USER}-{name}"
    await scene.make_namespaces(prefix, size.applications)
    bodies = [body for each in names for body in objects_of(f"{prefix}-{each}", size.objects)]
    applied = (await scene.apply_bare(bodies))["wall"]
    return (last - pushed).total_seconds(), fetched + rendered + applied


async def _command(form: Form) -> Sequence[str]:
    """The original's command, but for the folder."""
    if form is Form.HELM:
        return (str(await locate(HELM)), "template", "app")
    return (str(await locate(KUSTOMIZE)), "build")


def _run_each(command: Sequence[str], root: Path, names: Sequence[str]) -> float:
    """Seconds of one command; the mean over all folders."""
    started = time.monotonic()
    for name in names:
        subprocess.run([*command, str(root / name)], check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - started) / len(names)
