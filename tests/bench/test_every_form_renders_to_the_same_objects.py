"""A chart, a kustomization and plain files of the workload are the same application."""

from __future__ import annotations

from pathlib import Path

from bench.forms import Form
from bench.rendering import render_all
from bench.workload import objects_of

from bench import forms


async def test_every_form_renders_to_the_same_objects(tmp_path: Path) -> None:
    bodies = objects_of("shop", 10, version=3)
    wanted = {body["metadata"]["name"]: body for body in bodies}

    for form in Form:
        forms.write(form, tmp_path / form / "app", bodies)
        manifests, _ = await render_all(form, tmp_path / form, ["app"])

        assert {each.key.name: each.body for each in manifests} == wanted
