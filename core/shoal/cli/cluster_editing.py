"""`shoal cluster add`, `label` and `rm`: the documents of clusters, changed in their files.

A controller's state is never touched: it follows the documents. A cluster is only added once
it has answered, so that a document leads somewhere, and to a cluster that no other one leads to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shoal.cli import completing
from shoal.cli.cluster_pinging import examined, examined_fields, examined_lines
from shoal.cli.ending import Ending, note
from shoal.cli.fleet_folder import (
    FleetFolder,
    cluster_identity,
    fleet_option,
    open_fleet,
    tell_commit,
    tell_moves,
    write_new,
)
from shoal.cli.options import Output, prints
from shoal.cli.printing import print_one
from shoal.errors import InvalidDocument, Permanent

if TYPE_CHECKING:
    from shoal.composition.examining import Examined
    from shoal.model.documents import Cluster

_FILE = click.Path(path_type=Path, dir_okay=False)


class LabelType(click.ParamType[tuple[str, str | None]]):
    """`KEY=VALUE`, and `KEY-` where a label may be taken away."""

    name = "label"

    def __init__(self, *, may_go: bool = False) -> None:
        self._may_go = may_go

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        """Read it, or fail as a usage error."""
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if equals and key:
            return key, text
        if self._may_go and not equals and len(key) > 1 and key.endswith("-"):
            return key[:-1], None
        expected = "KEY=VALUE or KEY-" if self._may_go else "KEY=VALUE"
        self.fail(f"{value!r} is not {expected}", param, ctx)


@click.command()
@click.argument("name")
@click.option(
    "--kubeconfig",
    type=_FILE,
    metavar="FILE",
    help="The kubeconfig that leads to it; KUBECONFIG or ~/.kube/config when left out.",
)
@click.option("--context", metavar="NAME", help="The context; the current one when left out.")
@click.option(
    "-l",
    "--label",
    "labels",
    type=LabelType(),
    multiple=True,
    metavar="KEY=VALUE",
    help="A label that placements read; repeatable.",
)
@click.option(
    "--allow-exec",
    multiple=True,
    metavar="PROGRAM",
    help="A program that the kubeconfig may run for its credential; repeatable.",
)
@fleet_option
@prints
def add(
    name: str,
    kubeconfig: Path | None,
    context: str | None,
    labels: tuple[tuple[str, str | None], ...],
    allow_exec: tuple[str, ...],
    fleet: Path,
    output: Output,
) -> int:
    """Add the cluster NAME: write its document, once it has answered.

    The context is written down, so that switching kubectl to another one moves nothing. Nothing is
    written when the cluster does not answer, or when another document leads to it already. A
    controller that runs on this folder takes it up at once, one on its repository with the push.
    """
    folder = open_fleet(fleet)
    if where := folder.where(name):
        raise Permanent(
            f"the Cluster {name} is there already: {where}",
            next_step=f"`shoal cluster label {name} KEY=VALUE` changes its labels",
        )
    given = {key: str(value) for key, value in labels}
    file = fleet / _place_for(folder) / f"{name}.yaml"
    text = _text(file, fleet, name, given, _access(fleet, kubeconfig, context))
    document = _read(folder, file.name, text, name)
    found, *others = examined(folder, [document, *folder.clusters.values()], allow_exec)
    if found.error is not None:
        raise found.error
    _refuse_rivals(folder, found, others)
    write_new(file, text)
    fields = {"file": str(file), "labels": given, **examined_fields(found)}
    print_one(
        output,
        "Cluster",
        f"cluster/{name}",
        fields,
        lambda: [f"{file}", *(f"  {line}" for line in examined_lines(found))],
    )
    tell_moves(name, frozenset(), folder.placed_on(given))
    tell_commit(file, fleet, f"Add the cluster {name}")
    return Ending.OK


@click.command()
@click.argument("name", shell_complete=completing.clusters)
@click.argument(
    "labels", type=LabelType(may_go=True), nargs=-1, required=True, metavar="KEY=VALUE|KEY-..."
)
@fleet_option
@prints
def label(
    name: str, labels: tuple[tuple[str, str | None], ...], fleet: Path, output: Output
) -> int:
    """Set labels of the Cluster document NAME, or take them away by KEY-.

    Comments, order and style of the document stay. What would be placed there, and what would
    leave, is told. A controller that runs on this folder does that at once, one on its repository
    with the push.
    """
    from shoal.documents.labelling import with_labels

    folder = open_fleet(fleet)
    file = folder.file_of(name)
    text = file.read_text()
    changed = with_labels(text, cluster_identity(name), dict(labels))
    before = folder.clusters[name].metadata.labels if name in folder.clusters else {}
    after = {key: value for key, value in {**before, **dict(labels)}.items() if value is not None}
    fields = {"name": name, "file": str(file), "labels": after}
    shown = ", ".join(f"{key}={value}" for key, value in sorted(after.items())) or "no labels"
    if changed != text:
        file.write_text(changed)
    print_one(output, "Cluster", f"cluster/{name}", fields, lambda: [f"{file}: {shown}"])
    if changed == text:
        note("nothing to change: it is so already")
        return Ending.OK
    tell_moves(name, folder.placed_on(before), folder.placed_on(after))
    tell_commit(file, fleet, f"Label the cluster {name}")
    return Ending.OK


@click.command()
@click.argument("name", shell_complete=completing.clusters)
@fleet_option
@prints
def rm(name: str, fleet: Path, output: Output) -> int:
    """Take the Cluster document NAME out of the fleet's folder.

    With that the cluster is let go: nothing is deleted there, and its objects stay as they are. A
    controller that runs on this folder sees it at once, one on its repository with the push.
    """
    from shoal.documents.labelling import cut

    folder = open_fleet(fleet)
    file = folder.file_of(name)
    rest = cut(file.read_text(), cluster_identity(name))
    if rest:
        file.write_text(rest)
    else:
        file.unlink()
    does = "taken out of" if rest else "removed"
    fields = {"name": name, "file": str(file)}
    print_one(output, "Cluster", f"cluster/{name}", fields, lambda: [f"{does} {file}"])
    note("nothing is deleted in the cluster: its objects stay as they are")
    tell_commit(file, fleet, f"Let the cluster {name} go")
    return Ending.OK


def _place_for(folder: FleetFolder) -> str:
    """Where the other Cluster documents are, when they are all in one place."""
    found = {Path(folder.where(name)).parent.as_posix() for name in folder.clusters}
    return found.pop() if len(found) == 1 else "clusters"


def _access(fleet: Path, kubeconfig: Path | None, context: str | None) -> Mapping[str, Any]:
    """How the document leads to the cluster: a file inside the fleet's folder by its own path."""
    file = (kubeconfig or _usual_kubeconfig()).expanduser().absolute()
    inside = file.is_relative_to(fleet.absolute())
    path = file.relative_to(fleet.absolute()) if inside else file
    context = context or _current_context(file)
    return {"kubeconfig": {"path": str(path), **({"context": context} if context else {})}}


def _usual_kubeconfig() -> Path:
    named = [each for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    if len(named) > 1:
        raise click.UsageError("KUBECONFIG names several files; say which one by --kubeconfig FILE")
    return Path(named[0] if named else "~/.kube/config")


def _current_context(file: Path) -> str:
    """What the file says; empty when it cannot be read: the access plugin says why."""
    from shoal.model.yaml import NotYaml, read_yaml

    try:
        (document,) = read_yaml(file.read_bytes())
    except (OSError, NotYaml, ValueError):
        return ""
    found = document.value.get("current-context") if isinstance(document.value, dict) else None
    return found if isinstance(found, str) else ""


def _text(
    file: Path, fleet: Path, name: str, labels: Mapping[str, str], access: Mapping[str, Any]
) -> str:
    from shoal.documents.scaffolding import schema_line
    from shoal.documents.yaml_writing import dumped
    from shoal.model.documents import API_VERSION

    document = {
        "apiVersion": API_VERSION,
        "kind": "Cluster",
        "metadata": {"name": name, **({"labels": dict(labels)} if labels else {})},
        "spec": {"access": access},
    }
    line = schema_line(file.relative_to(fleet), has_schema=_has_schema(fleet))
    return line + dumped(document)


def _has_schema(fleet: Path) -> bool:
    from shoal.documents.scaffolding import SCHEMA_FILE

    return (fleet / SCHEMA_FILE).is_file()


def _read(folder: FleetFolder, file: str, text: str, name: str) -> Cluster:
    """The document as it will be read; its problems are those of what was typed."""
    from shoal.documents import load
    from shoal.model.documents import Cluster

    loaded = load({file: text.encode()}, folder.plugins.seams)
    located = loaded.documents.get(cluster_identity(name))
    if located is None or not isinstance(located.document, Cluster):
        problem = next(each for each in loaded.problems if each.field)
        raise InvalidDocument(f"the cluster {name} cannot be added: {problem.as_text()}")
    return located.document


def _refuse_rivals(folder: FleetFolder, found: Examined, others: Sequence[Examined]) -> None:
    """Two documents that lead to one cluster would fight over its objects."""
    assert found.examination is not None
    for other in others:
        if other.examination is not None and other.examination.uid == found.examination.uid:
            raise Permanent(
                f"the Cluster {other.cluster} leads to this cluster already: "
                f"{folder.where(other.cluster)} (both have uid {found.examination.uid})",
                next_step="choose another context, or another kubeconfig",
            )
    if silent := [each.cluster for each in others if each.examination is None]:
        note(
            f"warning: {', '.join(silent)} did not answer, so whether this is the same cluster "
            "could not be seen; the controller refuses it if it is"
        )
