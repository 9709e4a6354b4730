"""Runs an original on a case, as a person would, and reads what it prints as kubectl would.

`helm template` and `kustomize build` run as commands, in a folder of the test's and with nothing
of the user's settings. For `plain` the original is the reader of Kubernetes itself, kept as one
process that answers frames (`yaml/main.go`).
"""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
from tests.rendering.cases import Case

from shoal.model.facts import API_VERSIONS, KUBERNETES_VERSION
from shoal.model.manifests import Manifest
from shoal_plugins.rendering.namespacing import in_namespace

_SECONDS = 60.0
_MANIFESTS = (".yaml", ".yml", ".json")


class Refused(Exception):
    """The original ended with an error; the message is its own."""


@dataclass(frozen=True, slots=True)
class Originals:
    """The programs, and a way to run each on a case."""

    helm: Path
    kustomize: Path
    yaml: KubernetesYaml

    async def render(self, case: Case, folder: Path) -> list[Manifest]:
        """What the original says of a case, laid out in the empty `folder`."""
        source = folder / "source"
        source.mkdir()
        where = case.lay_out(source)
        if case.renderer == "plain":
            return self._read(case)
        if case.renderer == "helm":
            command = [self.helm, *_arguments_of_helm(case, where, folder / "inline.json")]
        else:
            command = [self.kustomize, "build", where]
        printed = await _run(command, where, home=folder)
        read = self.yaml.read("file", printed).value
        manifests = [Manifest(value, "original") for value in read if _is_wanted(case, value)]
        if case.renderer != "helm":
            return manifests
        # `helm template` leaves to the client what Shoal does itself, and tests by itself.
        return [in_namespace(each, case.parameters["namespace"]) for each in manifests]

    def _read(self, case: Case) -> list[Manifest]:
        return [
            Manifest(value, path)
            for path, content in sorted(case.files.items())
            if path.endswith(_MANIFESTS)
            for value in self.yaml.read("file", content).value
            if _is_wanted(case, value)
        ]


def _is_wanted(case: Case, value: Any) -> bool:
    return case.skips is None or not str(value["apiVersion"]).startswith(case.skips)


def _arguments_of_helm(case: Case, chart: Path, inline: Path) -> list[str | Path]:
    said = case.parameters
    arguments: list[str | Path] = ["template", said["releaseName"], chart, "--no-hooks"]
    arguments += ["--namespace", said["namespace"]]
    if said.get("crds") != "Skip":
        arguments.append("--include-crds")
    for path in said.get("valueFiles", []):
        arguments += ["--values", chart / path]
    if "values" in said:
        inline.write_text(json.dumps(said["values"]))
        arguments += ["--values", inline]
    if KUBERNETES_VERSION in case.facts:
        arguments += ["--kube-version", case.facts[KUBERNETES_VERSION]]
    for version in case.facts.get(API_VERSIONS, []):
        arguments += ["--api-versions", version]
    return arguments


async def _run(command: Sequence[str | Path], folder: Path, *, home: Path) -> bytes:
    environment = {"HOME": str(home), "TZ": "UTC", "PATH": "/nonexistent"}
    with anyio.fail_after(_SECONDS):
        ended = await anyio.run_process(
            [str(part) for part in command], cwd=folder, env=environment, check=False
        )
    if ended.returncode != 0:
        raise Refused(ended.stderr.decode(errors="replace"))
    return ended.stdout


Verdict = Literal["read", "doubled", "refused"]
_VERDICTS: dict[bytes, Verdict] = {b"r": "read", b"k": "doubled", b"x": "refused"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What Kubernetes' reader made of a text; `doubled`: read, but a key is set twice."""

    verdict: Verdict
    value: Any = None
    message: str = ""


class KubernetesYaml:
    """The process that reads YAML as Kubernetes' own tools do."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}
        )

    def read(self, how: Literal["stream", "file"], text: bytes) -> Answer:
        """All documents that are not empty, by sigs.k8s.io/yaml, or as kubectl reads a file."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(how[0].encode() + struct.pack(">I", len(text)) + text)
        process.stdin.flush()
        verdict = _VERDICTS[process.stdout.read(1)]
        (size,) = struct.unpack(">I", process.stdout.read(4))
        answer = process.stdout.read(size)
        if verdict == "refused":
            return Answer(verdict, message=answer.decode(errors="replace"))
        return Answer(verdict, json.loads(answer, parse_int=_integer))

    def close(self) -> None:
        """End the process."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()


def _integer(text: str) -> int | float:
    """As every JSON reader of ours: what needs more than 64 bits is a float."""
    value = int(text)
    return value if -(2**63) <= value < 2**64 else float(value)
