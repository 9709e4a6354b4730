"""The configuration of a controller that runs: what is in use, and what is read anew.

The file is looked at every two seconds, and read again when it was changed and is not being written
any more; SIGHUP reads it at once. What is live takes effect with the next use; everything else is
said to need a restart. A file that has problems changes nothing: what was read last goes on to
count. What changed is recorded in the ledger, with the user that the file belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import structlog

from shoal.api.facade import Controller
from shoal.api.listening import user_name
from shoal.composition.configuration_file import (
    ConfigurationFile,
    default_places,
    find_file,
    fingerprint,
    read_file,
)
from shoal.composition.configuring import Configured, Origin, configure, show_value
from shoal.composition.settings import Settings, table
from shoal.documents import Problem
from shoal.errors import ShoalError
from shoal.hooks.host import ThreadRunner
from shoal.model.records import Deed, Verdict

LOOK_SECONDS = 2.0
NOW = "now"
_MOST_TOLD = 20
_log = structlog.get_logger("shoal.configuration")


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that the file says differently than before."""

    name: str
    before: Any
    after: Any
    origin: Origin
    is_live: bool

    def as_fields(self) -> dict[str, Any]:
        """For the ledger."""
        return {
            "setting": table()[self.name].field,
            "before": show_value(self.name, self.before),
            "after": show_value(self.name, self.after),
            "from": str(self.origin),
            "effect": NOW if self.is_live else "after a restart",
        }


def compare(before: Configured, after: Configured) -> list[Change]:
    """The settings that differ."""
    return [
        Change(name, before.value(name), after.value(name), after.origins[name], entry.is_live)
        for name, entry in table().items()
        if before.value(name) != after.value(name)
    ]


def take_over(in_use: Configured, read: Configured) -> Configured:
    """What is in use from now on: live values as they were read, all others as they were."""
    live = {name for name, entry in table().items() if entry.is_live}
    values = {name: (read if name in live else in_use).value(name) for name in table()}
    same = {name for name in table() if values[name] == read.value(name)}
    return replace(
        in_use,
        settings=in_use.settings.model_copy(update=values),
        file=read.file,
        origins={name: (read if name in same else in_use).origins[name] for name in table()},
    )


class LiveConfiguration:
    """What a controller is told, now. Whoever uses a live setting asks `settings` each time."""

    def __init__(self, configured: Configured) -> None:
        self._in_use = configured
        self._read = configured
        self._problems: tuple[Problem, ...] = ()
        self._is_asked = False
        self.followers: list[Callable[[Settings], None]] = []

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self._in_use.settings

    @property
    def allowed_programs(self) -> Set[str]:
        """The programs of `allow_exec`, as they are whenever it is looked."""
        return _AllowedPrograms(self)

    def read_again(self) -> None:
        """Let the file be read at the next look, whether it changed or not."""
        self._is_asked = True

    async def follow(self, controller: Controller, run_in_thread: ThreadRunner) -> None:
        """Look at the file now and then; ends by cancellation only."""
        known = await run_in_thread(self._look)
        before = known
        while True:
            await anyio.sleep(LOOK_SECONDS)
            seen = await run_in_thread(self._look)
            has_settled, before = seen == before, seen
            if self._is_asked or (seen != known and has_settled):
                self._is_asked, known = False, seen
                await self.reload(controller, run_in_thread)

    async def reload(self, controller: Controller, run_in_thread: ThreadRunner) -> None:
        """Read the file and take over what can be; says what changed, or why nothing did."""
        path = await run_in_thread(self._path)
        if path is None:
            _log.info("there is no configuration file to read again", places=_places())
            return
        file = await run_in_thread(read_file, path)
        problems = file.problems
        read = self._read
        if not problems:
            try:
                read = configure(self._in_use.given, file)
            except ShoalError as error:
                problems = (Problem(str(path), 0, "", error.message, next_step=error.next_step),)
        if problems:
            await self._refuse(file, problems, controller)
        else:
            await self._accept(file, read, controller)

    async def _refuse(
        self, file: ConfigurationFile, problems: tuple[Problem, ...], controller: Controller
    ) -> None:
        """Everything stays as it is; said once."""
        is_news, self._problems = problems != self._problems, problems
        if not is_news:
            return
        told = [str(each) for each in problems[:_MOST_TOLD]]
        why = f"{len(problems)} problem{'s' * (len(problems) != 1)}; what was read before counts"
        _log.warning("the configuration cannot be used", file=str(file.path), problems=told)
        await controller.mention(
            Deed.CONFIGURATION_INVALID,
            "controller",
            {"file": str(file.path), "problems": told},
            who=_owner(file),
            why=why,
            verdict=Verdict.FAILED,
        )

    async def _accept(
        self, file: ConfigurationFile, read: Configured, controller: Controller
    ) -> None:
        changed = [each.as_fields() for each in compare(self._read, read)]
        is_news, self._problems = bool(changed or self._problems), ()
        self._read, self._in_use = read, take_over(self._in_use, read)
        for follower in self.followers:
            follower(self.settings)
        _log.info("the configuration was read again", file=str(file.path), changed=changed)
        if not is_news:
            return
        waiting = [each["setting"] for each in changed if each["effect"] != NOW]
        await controller.mention(
            Deed.CONFIGURATION_CHANGED,
            "controller",
            {"file": str(file.path), "changed": changed},
            who=_owner(file),
            why=f"needs a restart: {', '.join(waiting)}" if waiting else "",
        )

    def as_fields(self) -> dict[str, Any]:
        """For `shoal config show --running`: every setting, and what waits for a restart."""
        pending = {each.name: each for each in compare(self._in_use, self._read)}
        return {
            "file": str(file.path) if (file := self._in_use.file) is not None else "",
            "problems": [str(each) for each in self._problems],
            "items": [setting_fields(name, self._in_use, pending.get(name)) for name in table()],
        }

    def _look(self) -> tuple[Path | None, tuple[int, ...]]:
        path = self._path()
        return path, fingerprint(path) if path is not None else ()

    def _path(self) -> Path | None:
        """The file that was read, also when it is gone; else one that has come since."""
        file = self._in_use.file
        return file.path if file is not None else find_file(None)


def setting_fields(
    name: str, configured: Configured, pending: Change | None = None
) -> dict[str, Any]:
    """One setting, as `shoal config show` prints it; `pending` is what a restart would change."""
    entry, origin = table()[name], configured.origins[name]
    return {
        "setting": entry.field,
        "value": show_value(name, configured.value(name)),
        "origin": origin.kind.value,
        "from": str(origin),
        "effect": "Live" if entry.is_live else "Restart",
        "afterRestart": show_value(name, pending.after) if pending else None,
        "afterRestartFrom": str(pending.origin) if pending else "",
    }


@dataclass(frozen=True, slots=True)
class _AllowedPrograms(Set[str]):
    """A set that is what the configuration says at the moment."""

    configuration: LiveConfiguration

    def __contains__(self, program: object) -> bool:
        return program in self.configuration.settings.allow_exec

    def __iter__(self) -> Iterator[str]:
        return iter(self.configuration.settings.allow_exec)

    def __len__(self) -> int:
        return len(self.configuration.settings.allow_exec)


def _owner(file: ConfigurationFile) -> str:
    """Who may have changed it, as far as can be known."""
    return "unknown" if file.owner is None else user_name(file.owner)


def _places() -> list[str]:
    return [str(place) for place in default_places()]
