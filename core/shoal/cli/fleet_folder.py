"""A fleet's folder as the commands see it that change documents: what stands where, and who moves.

Documents are changed in their files, never in a controller's state: what is committed is what
counts. What a change of labels moves is told before anybody commits it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import note
from shoal.cli.fleet_files import read_fleet
from shoal.cli.plugging import loaded_plugins
from shoal.errors import InvalidDocument, Permanent, UnknownName
from shoal.model.locations import is_remote

if TYPE_CHECKING:
    from shoal.composition.loading import Plugins
    from shoal.documents import Identity, Loaded
    from shoal.model.documents import Application, Cluster


class FolderType(click.Path):
    """A folder with documents; a repository by its URL is refused, with what to do instead."""

    def __init__(self, instead: str, *, file_okay: bool = False) -> None:
        super().__init__(path_type=Path, file_okay=file_okay)
        self._instead = instead

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Read it, or fail as a usage error."""
        text = os.fspath(value)
        if is_remote(text):
            self.fail(f"a folder is needed here, and this is a repository: {self._instead}")
        return super().convert(value, param, ctx)


fleet_option = click.option(
    "--fleet",
    type=FolderType("clone it, name the clone, and commit and push what is changed in it"),
    default=Path("."),
    metavar="DIR",
    help="The fleet's folder, a clone where it is in Git; here, when left out.",
)


@dataclass(frozen=True, slots=True)
class FleetFolder:
    """The documents of a folder, as they are written now."""

    path: Path
    plugins: Plugins
    loaded: Loaded

    @property
    def clusters(self) -> Mapping[str, Cluster]:
        """The valid Cluster documents by name."""
        from shoal.model.documents import Cluster

        found = (each.document for each in self.loaded.documents.values())
        return {each.metadata.name: each for each in found if isinstance(each, Cluster)}

    @property
    def applications(self) -> list[Application]:
        """The valid Application documents."""
        from shoal.model.documents import Application

        found = (each.document for each in self.loaded.documents.values())
        return [each for each in found if isinstance(each, Application)]

    def where(self, cluster: str) -> str:
        """`file:line` of a Cluster document, valid or not; empty when there is none."""
        identity = cluster_identity(cluster)
        if identity in self.loaded.documents:
            return self.loaded.documents[identity].where
        problems = self.loaded.broken.get(identity, ())
        return problems[0].where if problems else ""

    def file_of(self, cluster: str) -> Path:
        """The file of a Cluster document; UnknownName with the nearest name when there is none."""
        if where := self.where(cluster):
            return self.path / where.rpartition(":")[0]
        from shoal.model.choice import nearest

        near = nearest(cluster, self.clusters)
        raise UnknownName(
            f"there is no Cluster {cluster} in {self.path}"
            + (f"; did you mean {near}?" if near else ""),
            next_step="`shoal cluster add` adds one; --fleet DIR names another folder",
        )

    def placed_on(self, labels: Mapping[str, str]) -> frozenset[str]:
        """The applications that a cluster with these labels gets."""
        return frozenset(
            str(each.ref)
            for each in self.applications
            if each.spec.placement.cluster_selector.matches(labels)
        )


def cluster_identity(name: str) -> Identity:
    """What a Cluster document is found by."""
    from shoal.documents import Identity

    return Identity("Cluster", "", name)


def read_documents(files: Mapping[str, bytes], plugins: Plugins) -> Loaded:
    """The documents in these files; what is wrong with them is a warning."""
    from shoal.documents import load

    loaded = load(files, plugins.seams)
    for problem in loaded.problems:
        note(f"warning: {problem.as_text()}")
    return loaded


def open_fleet(path: Path) -> FleetFolder:
    """Read a folder; its problems are warnings. Raises InvalidDocument when it holds no fleet."""
    plugins = loaded_plugins()
    loaded = read_documents(read_fleet(path), plugins)
    if not any(identity.kind == "Fleet" for identity in loaded.documents):
        raise InvalidDocument(
            f"the folder {path} holds no fleet that can be read",
            next_step=f"`shoal init {path}` makes one; --fleet DIR names another folder",
        )
    return FleetFolder(path, plugins, loaded)


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet; what is there is never overwritten."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise Permanent(
            f"{file} is there already, and is not overwritten", next_step="move it away, or edit it"
        ) from error
    except OSError as error:
        raise Permanent(f"{file} cannot be written: {error.strerror}") from error


def tell_moves(name: str, before: frozenset[str], after: frozenset[str]) -> None:
    """Say which applications come to a cluster and which leave it."""
    if came := sorted(after - before):
        note(f"placed on {name} by these labels: {', '.join(came)}")
    if left := sorted(before - after):
        note(
            f"warning: no longer placed on {name}: {', '.join(left)}; what they have there goes by "
            "their whenClusterLeft once the grace period is over"
        )


def tell_commit(file: Path, fleet: Path, subject: str) -> None:
    """Say how to commit what was changed."""
    inside = file.relative_to(fleet)
    where = "" if fleet == Path() else f" -C {fleet}"
    note(f"commit it: git{where} add {inside} && git{where} commit -m '{subject}'")
