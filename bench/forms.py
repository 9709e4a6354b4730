"""In which form an application stands in the repository: plain files, a chart, a kustomization.

All three render to the very same objects, so that what they cost can be compared. The chart has
values, named templates and a condition in every file, the kustomization a base, and an overlay that
names the namespace and patches every workload: each in the manner of what people have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

Body = Mapping[str, Any]


class Form(StrEnum):
    """What the folder of an application holds; the name of the renderer that reads it."""

    PLAIN = "plain"
    HELM = "helm"
    KUSTOMIZE = "kustomize"


def write(form: Form, folder: Path, bodies: Sequence[Body]) -> None:
    """Write an application into its folder; what is there already is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    {Form.PLAIN: _write_files, Form.HELM: _write_chart, Form.KUSTOMIZE: _write_overlay}[form](
        folder, bodies
    )


def _write_files(folder: Path, bodies: Sequence[Body]) -> None:
    for body in bodies:
        _file(folder, body).write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))


def _write_chart(folder: Path, bodies: Sequence[Body]) -> None:
    templates = folder / "templates"
    templates.mkdir(exist_ok=True)
    (folder / "Chart.yaml").write_text(
        f"apiVersion: v2\nname: {folder.name}\nversion: 1.0.0\nappVersion: '1'\n"
    )
    values = {"namespace": bodies[0]["metadata"]["namespace"], "isEnabled": True}
    (folder / "values.yaml").write_text(json.dumps(values, indent=2))
    (templates / "_names.tpl").write_text(_NAMES)
    for body in bodies:
        text = orjson.dumps({**body, "metadata": "METADATA"}, option=orjson.OPT_INDENT_2).decode()
        metadata = body["metadata"]
        given = f'(dict "name" {json.dumps(metadata["name"])} "part" "{metadata["labels"]["part"]}"'
        text = text.replace('"METADATA"', f'{{{{ include "metadata" {given} "root" .) }}}}')
        _file(templates, body).write_text(
            f"{{{{- if .Values.isEnabled }}}}\n{text}\n{{{{- end }}}}\n"
        )


_NAMES = """{{- define "metadata" -}}
{"name": {{ .name | quote }}, "namespace": {{ .root.Values.namespace | quote }}, \
"labels": {{ include "labels" . }}}
{{- end }}
{{- define "labels" -}}
{{ dict "part" .part | toJson }}
{{- end }}
"""


def _write_overlay(folder: Path, bodies: Sequence[Body]) -> None:
    base = folder / "base"
    base.mkdir(exist_ok=True)
    patches: list[Body] = []
    for body in bodies:
        metadata = {key: body["metadata"][key] for key in ("name", "labels")}
        shared = {**body, "metadata": metadata}
        if body["kind"] == "Deployment":
            patches.append(_replicas_of(body))
            spec = {key: part for key, part in body["spec"].items() if key != "replicas"}
            shared = {**shared, "spec": spec}
        _file(base, body).write_bytes(orjson.dumps(shared, option=orjson.OPT_INDENT_2))
    resources = [_file(base, body).name for body in bodies]
    (base / "kustomization.yaml").write_text(json.dumps({"resources": resources}, indent=2))
    for patch in patches:
        _file(folder, patch).write_text(json.dumps(patch, indent=2))
    overlay = {
        "resources": ["base"],
        "namespace": bodies[0]["metadata"]["namespace"],
        "patches": [{"path": _file(folder, patch).name} for patch in patches],
    }
    (folder / "kustomization.yaml").write_text(json.dumps(overlay, indent=2))


def _replicas_of(body: Body) -> Body:
    """A strategic merge patch with what differs between environments most often."""
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": {"name": body["metadata"]["name"]},
        "spec": {"replicas": body["spec"]["replicas"]},
    }


def _file(folder: Path, body: Body) -> Path:
    return folder / f"{body['metadata']['name']}.yaml"
