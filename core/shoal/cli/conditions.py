"""What `shoal wait` can wait for: conditions that hold of a target, or not yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from shoal.cli.tables import Item
from shoal.engine.views.applications import TargetPhase

_REVISION = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so of every target; `allows_stuck` when being stuck is what is wanted."""

    text: str
    holds: Callable[[Item, Item], bool]
    allows_stuck: bool = False


class ConditionType(click.ParamType[Condition]):
    """A condition on the command line."""

    name = "condition"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Condition:
        """Read it, or fail as a usage error."""
        if isinstance(value, Condition):
            return value
        text = str(value)
        word, _, wanted = text.partition("=")
        if text in _CONDITIONS:
            return _CONDITIONS[text]
        if word == "phase" and wanted in PHASES:
            return Condition(text, lambda target, _: target["phase"] == wanted, allows_stuck=True)
        if word == "revision" and wanted:
            return Condition(text, lambda target, of: _is_at(target, of, wanted))
        if word == "phase":
            self.fail(f"{wanted!r} is no phase; they are {', '.join(PHASES)}", param, ctx)
        known = (*_CONDITIONS, "phase=PHASE", "revision=REV")
        self.fail(f"{text!r} is none of {', '.join(known)}", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The conditions that are one word."""
        return [CompletionItem(text) for text in _CONDITIONS if text.startswith(incomplete)]


PHASES = tuple(each.value for each in TargetPhase)
SYNCED = Condition("synced", lambda target, _: target["phase"] == "Synced")
HEALTHY = Condition("healthy", lambda target, _: target["health"] == "Healthy")
_CONDITIONS = {
    "synced": SYNCED,
    "healthy": HEALTHY,
    "drift-free": Condition("drift-free", lambda target, _: not target["drifted"]),
    "held": Condition("held", lambda target, _: target["phase"] == "Held", allows_stuck=True),
}


def _is_at(target: Item, application: Item, revision: str) -> bool:
    """Whether the target has what this revision says.

    A commit that does not touch a target leaves it at the revision that it has: then it is there
    once the application was decided at that commit. While it is still written, its health is that
    of what was there before.
    """
    if is_revision(target["revision"], revision):
        return bool(target["phase"] != "Syncing")
    is_decided = is_revision(application["revision"], revision)
    return is_decided and target["phase"] in ("Synced", "Drifted")


def is_revision(known: str, wanted: str) -> bool:
    """Whether this is the revision that is wanted, by all of its name or by its first digits."""
    return known == wanted or bool(_REVISION.fullmatch(wanted) and known.startswith(wanted))
