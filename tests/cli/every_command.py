"""Every command of `shoal`, as the tests of the output contract run it: add a row per command.

A row is what is typed, by a name that says what is special about it. It runs against a controller
with a small fleet (`ASKING`), or in a folder with nothing but a `fleet.yaml` (`OFFLINE`), in each
format, and ends with 0, or with 1 where the answer is no (`DIFFERING`). Commands that print no data
are in `WITHOUT_DATA`, with what they do instead and where that is tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from shoal.cli.root import shoal
from shoal.model.holds import Hold, HoldCause
from shoal.testing.views import AT

Words = tuple[str, ...]

HOLD = Hold("default/api", HoldCause.REMOVING, "the document is gone", "shoal", AT, content="x")

ASKING: Mapping[str, Words] = {
    "status": ("status",),
    "get applications": ("get", "applications"),
    "get app NAME": ("get", "app", "web"),
    "get targets": ("get", "targets"),
    "get tg NAME": ("get", "tg", "web@dev"),
    "get clusters": ("get", "clusters"),
    "get cl NAME": ("get", "cl", "dev"),
    "get sources": ("get", "sources"),
    "get src NAME": ("get", "src", "platform"),
    "get holds": ("get", "holds"),
    "get events": ("get", "events"),
    "get drifts": ("get", "drifts"),
    "get dr NAME": ("get", "dr", "drift-0123456789"),
    "get syncs": ("get", "syncs"),
    "get syncs SUBJECT": ("get", "syncs", "default/web"),
    "get alerts": ("get", "alerts"),
    "get al NAME": ("get", "al", "on-call"),
    "describe alert": ("describe", "alert", "on-call"),
    "alert test": ("alert", "test", "on-call"),
    "alert resend": ("alert", "resend", "on-call"),
    "get plugins": ("get", "plugins"),
    "get pl NAME": ("get", "pl", "git"),
    "get narrowed": ("get", "tg", "-n", "default", "-c", "de*", "--where", "not drifted"),
    "get paged": ("get", "cl", "-l", "!old", "--sort", "-name", "--limit", "1"),
    "events": ("events",),
    "events SUBJECT": ("events", "default/web", "--limit", "3"),
    "tree": ("tree", "web"),
    "tree -c": ("tree", "web", "-c", "d*"),
    "tree --pods": ("tree", "web", "--pods"),
    "where": ("where", "0123456"),
    "where --wait": ("where", "0123456", "--wait", "--for", "95%", "--timeout", "1s"),
    "describe tg": ("describe", "tg", "web@dev"),
    "describe event": ("describe", "event", "7"),
    "describe sync": ("describe", "sync", "7"),
    "describe pl": ("describe", "pl", "git"),
    "describe app": ("describe", "app", "web"),
    "describe cl": ("describe", "cl", "dev"),
    "describe src": ("describe", "src", "platform"),
    "describe hold": ("describe", "hold", HOLD.id),
    "describe drift": ("describe", "drift", "drift-0123456789"),
    "drift adopt": ("drift", "adopt", "web"),
    "drift revert": ("drift", "revert", "web"),
    "drift ignore": ("drift", "ignore", "web", "deployment/default/web"),
    "history": ("history",),
    "history APP": ("history", "web"),
    "history narrowed": ("history", "-n", "default", "--where", "who=ana", "--limit", "1"),
    "trace": ("trace", "web"),
    "sync": ("sync", "web"),
    "sync --wait": ("sync", "web", "--wait"),
    "sync -c": ("sync", "web", "-c", "dev", "--wait"),
    "sync --rerun": ("sync", "web", "--rerun"),
    "wait": ("wait", "web", "api"),
    "wait --for": ("wait", "web", "--for", "drift-free", "-c", "dev"),
    "suspend": ("suspend", "web", "--reason", "storm", "--for", "2h"),
    "resume": ("resume", "web"),
    "config show --running": ("config", "show", "--running"),
    "approve": ("approve", HOLD.id, "--reason", "meant"),
    "cluster ping": ("cluster", "ping"),
    "cluster ping NAME": ("cluster", "ping", "dev"),
}
"""Answered by the controller, with 0."""

DIFFERING: Mapping[str, Words] = {
    "drift list": ("drift", "list"),
    "drift list APP": ("drift", "list", "web", "-c", "dev"),
    "diff": ("diff",),
    "diff APP": ("diff", "web"),
    "diff --rev": ("diff", "web", "--rev", "topic", "-c", "dev"),
}
"""Answered by the controller, with 1: there is a difference."""

RENDERS: Mapping[str, Words] = {
    "render --explain": ("render", "web", "-c", "dev", "--explain"),
    "render groups": ("render", "web"),
}
"""Need an application and its source; see the test that runs them."""

OFFLINE: Mapping[str, Words] = {
    "version": ("version",),
    "validate": ("validate",),
    "explain": ("explain", "application.spec.sync"),
    "plugin list": ("plugin", "list"),
    "plugin new": ("plugin", "new", "acme-shoal"),
    "init": ("init", "new"),
    "cluster ping --fleet": ("cluster", "ping", "--fleet", "."),
    "schema --write": ("schema", "--write", "schemas"),
    "config show": ("config", "show"),
    "config show --defaults": ("config", "show", "--defaults"),
}
"""Need no controller; end with 0 in a folder that holds a `fleet.yaml`, without any plugin."""

WITHOUT_DATA: Mapping[str, str] = {
    "completion": "prints a script: tests/cli/test_shells_complete_live_names.py",
    "bootstrap": "commits: tests/cli/test_a_fleet_is_bootstrapped.py",
    "doctor": "something is missing here: tests/cli/test_the_doctor_says_what_is_missing.py",
    "cluster add": "asks API servers: tests/cli/test_clusters_are_added_once_they_answer.py",
    "cluster label": "edits a document: tests/cli/test_clusters_are_edited_in_their_documents.py",
    "cluster rm": "edits a document: tests/cli/test_clusters_are_edited_in_their_documents.py",
    "run": "serves until it is ended: tests/composition",
    "backup": "writes a file: tests/store/test_a_backup_can_be_restored.py",
    "restore": "writes the state: tests/store/test_a_backup_can_be_restored.py",
    "demo": "is a show: tests/demo",
    "plugin prepare": "builds programs: tests/composition",
    "cluster rbac": "prints objects of Kubernetes: tests/cli/test_rbac_is_printed_to_be_applied.py",
    "cluster local up": "starts API servers: tests/controlplane/test_local_commands.py",
    "cluster local down": "ends API servers: tests/controlplane/test_local_commands.py",
    "cluster local list": "looks at processes: tests/controlplane/test_local_commands.py",
}
"""Commands that cannot be tried in every format here, and why."""

TRIED: Mapping[str, Words] = {**ASKING, **DIFFERING, **RENDERS, **OFFLINE}


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that can be typed, those of our own plugins too, as click knows them."""
    yield from _below(shoal, click.Context(shoal), ())


def _below(
    command: click.Command, context: click.Context, path: Words
) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, name
        yield from _below(found, context, (*path, name))


def command_of(words: Words) -> str:
    """The command that these words call: `drift list` for `drift list web -c dev`."""
    command: click.Command = shoal
    path: list[str] = []
    for word in words:
        if not isinstance(command, click.Group):
            break
        found = command.get_command(click.Context(command), word)
        assert found is not None, words
        command = found
        path.append(word)
    return " ".join(path)
