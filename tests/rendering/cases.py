"""The corpus: cases of charts, overlays and plain files, for Shoal and for the original alike.

A case is a folder `corpus/<renderer>/<case>/` with a `case.yaml` (what it shows, Shoal's
parameters, what the cluster is like) and `source/`, the content of the source. Links and packed
subcharts are named in `case.yaml` and made here, so that all that is kept stays readable. See
CONTRIBUTING.md.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from shoal.model.facts import API_VERSIONS, KUBERNETES_VERSION
from shoal.model.trees import MemoryTree
from shoal.model.yaml import read_yaml

CORPUS = Path(__file__).parent / "corpus"
_FIELDS = {"shows", "folder", "links", "archives", "helm", "skips", "gives"} | {
    KUBERNETES_VERSION,
    API_VERSIONS,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One input: the files of a source, and what is asked of them.

    `folder` is the application's path in the source. Documents whose apiVersion begins with
    `skips` are no part of the output of Shoal, whatever the original does with them. `gives` is
    `nothing` or `objects`: a case that gives nothing by accident would be equal to anything.
    """

    renderer: str
    name: str
    shows: str
    files: Mapping[str, bytes] = field(repr=False)
    folder: str = ""
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    skips: str | None = None
    gives: str = "objects"

    def tree(self) -> MemoryTree:
        """The source as a renderer sees it."""
        return MemoryTree(self.files, links=self.links)

    def lay_out(self, folder: Path) -> Path:
        """Write the source into an empty folder, for the original; returns where to point it."""
        for path, content in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        for path, target in self.links.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(target)
        return folder / self.folder

    def changed(self, path: str, old: str, new: str) -> Case:
        """The same case with another text in one of its files."""
        content = self.files[path]
        assert old.encode() in content, f"{path} does not hold {old}"
        return replace(
            self, files={**self.files, path: content.replace(old.encode(), new.encode())}
        )


def names() -> list[str]:
    """All cases as `renderer/name`, which is where they stand in the corpus."""
    return sorted(
        case.relative_to(CORPUS).as_posix() for case in CORPUS.glob("*/*/") if case.is_dir()
    )


def load(name: str) -> Case:
    """One case by its name."""
    folder = CORPUS / name
    (document,) = read_yaml((folder / "case.yaml").read_bytes())
    assert document.problems == (), f"{name}/case.yaml: {document.problems}"
    said = document.value
    assert (unknown := said.keys() - _FIELDS) == set(), f"{name}/case.yaml: {unknown}?"
    renderer, _, own_name = name.partition("/")
    archives = {path: _packed(folder / packed) for path, packed in said.get("archives", {}).items()}
    return Case(
        renderer=renderer,
        name=own_name,
        shows=said["shows"],
        files={**_files(folder / "source"), **archives},
        folder=said.get("folder", ""),
        links=said.get("links", {}),
        parameters=said.get(renderer, {}),
        facts={name: said[name] for name in (KUBERNETES_VERSION, API_VERSIONS) if name in said},
        skips=said.get("skips"),
        gives=said.get("gives", "objects"),
    )


@cache
def corpus_texts() -> tuple[str, ...]:
    """The YAML of all cases that is no template."""
    found = (path for path in sorted(CORPUS.rglob("*.y*ml")) if "templates" not in path.parts)
    return tuple(path.read_bytes().decode() for path in found)


def _files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _packed(chart: Path) -> bytes:
    """A chart as `helm package` packs it, always of the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path, content in _files(chart).items():
            member = tarfile.TarInfo(f"{chart.name}/{path}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
