"""Names for shells to complete: of what the running controller knows, or the documents of a folder.

A shell asks at every press of a key, so an answer takes at most 300 ms: what does not come in that
time is taken from what was told before, or left out. Nothing is ever said about what goes wrong:
there is no place for it on a line that somebody is typing.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

_MOST_SECONDS = 0.3
_FRESH_SECONDS = 5.0
"""How long an answer counts: presses of one key after the other ask once."""


def applications(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Applications: NAME in the namespace default, NAMESPACE/NAME elsewhere."""
    return _matching(names_of("applications", ctx), incomplete, ctx.params.get(str(param.name)))


def clusters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Clusters by name."""
    return _matching(names_of("clusters", ctx), incomplete, ctx.params.get(str(param.name)))


def holds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What waits for a person: holds by id."""
    return _matching(names_of("holds", ctx), incomplete)


def alerts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Alerts, named as applications are."""
    return _matching(names_of("alerts", ctx), incomplete)


def namespaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The namespaces that applications are in."""
    found = names_of("applications", ctx)
    return _matching({name.rpartition("/")[0] or "default" for name in found}, incomplete)


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Every way to write a kind."""
    from shoal.cli.kinds import known_names

    return _matching(known_names(), incomplete)


def names_of_kind(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Things of the kind that was typed before."""
    from shoal.cli.kinds import find_kind
    from shoal.errors import UnknownName

    try:
        kind = find_kind(str(ctx.params.get("kind")))
    except UnknownName:
        return []
    return _matching(names_of(kind.path, ctx), incomplete)


def names_of(path: str, ctx: click.Context) -> list[str]:
    """Names of one list, from wherever the command that is typed would take them."""
    fleet = ctx.params.get("fleet")
    if fleet is not None and (folder := Path(fleet)).is_dir():
        return _within(lambda: _written(path, folder)) or []
    state = ctx.params.get("state")
    return _remembered(path, state if isinstance(state, Path) else None)


def _matching(names: Iterable[str], incomplete: str, typed: object = None) -> list[str]:
    """Those that begin like this, without what stands on the line already."""
    given = set(typed) if isinstance(typed, tuple) else set()
    return sorted(each for each in names if each.startswith(incomplete) and each not in given)


def _within(ask: Callable[[], list[str]]) -> list[str] | None:
    """The answer, if it comes in time; a thread that is late is left to the end of the process."""
    answers: list[list[str]] = []

    def run() -> None:
        with suppress(Exception):  # whatever is wrong is said by the command itself
            answers.append(ask())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_MOST_SECONDS)
    return answers[0] if answers else None


def _remembered(path: str, state: Path | None) -> list[str]:
    """Asked of the controller, unless it was just now; what it said last when it is silent."""
    file = _memory(path, state)
    known: Mapping[str, Any] = {}
    with suppress(OSError, ValueError):
        known = json.loads(file.read_text())
    if 0 <= time.time() - known.get("at", 0) < _FRESH_SECONDS:
        return list(known["names"])
    found = _within(lambda: _asked(path, state))
    if found is None:
        return list(known.get("names", ()))
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(json.dumps({"at": time.time(), "names": found}))
    return found


def _memory(path: str, state: Path | None) -> Path:
    import platformdirs

    name = hashlib.sha256(f"{path} {state.absolute() if state else ''}".encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("shoal") / "completion" / f"{name}.json"


def _asked(path: str, state: Path | None) -> list[str]:
    from shoal.api.client import Client
    from shoal.api.running import find_state_folder
    from shoal.cli.kinds import KINDS

    kind = next(each for each in KINDS if each.path == path)
    with Client(find_state_folder(state), timeout_seconds=_MOST_SECONDS) as client:
        return [kind.identity(item).removeprefix("default/") for item in client.items(path)]


def _written(path: str, folder: Path) -> list[str]:
    """Names in the documents of a folder, read without the models: those take a second to load."""
    from shoal.cli.fleet_files import read_fleet
    from shoal.cli.kinds import KINDS
    from shoal.model.yaml import NotYaml, read_yaml

    wanted = next(each.name for each in KINDS if each.path == path)
    found = []
    for content in read_fleet(folder).values():
        with suppress(NotYaml):
            for document in read_yaml(content):
                value = document.value
                if isinstance(value, dict) and value.get("kind") == wanted:
                    metadata = value.get("metadata") or {}
                    namespace = metadata.get("namespace", "default")
                    found.append(f"{namespace}/{metadata['name']}".removeprefix("default/"))
    return found
