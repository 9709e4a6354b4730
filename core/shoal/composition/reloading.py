"""The configuration of a controller that runs: what is in use, and what is read anew.

The file is looked at every two seconds, and read again when it was changed and is not being written
any more; SIGHUP reads it at once. What is live takes effect with the next use; everything else is
said to need a restart. A file that has problems changes nothing: what was read last goes on to
count. What changed is recorded in the ledger, with the user that the file belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import structlog

from shoal.api.facade import Controller
from shoal.composition.configuration_file import (
    ConfigurationFile,
    Mark,
    find_file,
    fingerprint,
    read_file,
)
from shoal.composition.configuring import Configured, Origin, configure, show_value
from shoal.composition.settings import Settings, table
from shoal.documents import Problem
from shoal.engine.users import user_name
from shoal.errors import Permanent
from shoal.hooks.host import ThreadRunner
from shoal.model.phrases import counted
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
    """What a controller is told, now. Whoever uses a live setting asks `settings` each time.

    `followers` are called with new settings, for what has to be pushed.
    """

    def __init__(self, configured: Configured, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._in_use = configured
        self._read = configured
        self._problems: tuple[Problem, ...] = ()
        self._asked = anyio.Event()
        self._mark: Mark = configured.file.mark if configured.file is not None else ()
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
        """Let the file be read now, whether it changed or not."""
        self._asked.set()

    async def follow(self, controller: Controller, run_in_thread: ThreadRunner) -> None:
        """Look at the file now and then; ends by cancellation only."""
        before: Mark | None = None
        while True:
            with anyio.move_on_after(self._look_seconds):
                await self._asked.wait()
            seen = await run_in_thread(self._look)
            has_settled, before = seen == before, seen
            if self._asked.is_set() or (seen != self._mark and has_settled):
                self._asked = anyio.Event()
                await self.reload(controller, run_in_thread)

    async def reload(self, controller: Controller, run_in_thread: ThreadRunner) -> None:
        """Read the file and take over what can be; says what changed, or why nothing did."""
        found = await run_in_thread(self._read_file)
        if found is None:
            _log.info("there is no configuration file to read again")
            return
        file, read = found
        self._mark = file.mark
        if isinstance(read, Configured):
            await self._accept(file, read, controller)
        else:
            await self._refuse(file, read, controller)

    async def _refuse(
        self, file: ConfigurationFile, problems: tuple[Problem, ...], controller: Controller
    ) -> None:
        """Everything stays as it is; said once."""
        is_news, self._problems = problems != self._problems, problems
        if not is_news:
            return
        told = [str(each) for each in problems[:_MOST_TOLD]]
        why = f"{counted(len(problems), 'problem')}; what was read before counts"
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
        for follower in self.followers if changed else ():
            follower(self.settings)
        _log.info("the configuration was read again", file=str(file.path), changed=changed)
        if not is_news:
            return
        await controller.mention(
            Deed.CONFIGURATION_CHANGED,
            "controller",
            {"file": str(file.path), "changed": changed},
            who=_owner(file),
            why=_summary(changed),
        )

    def as_fields(self) -> dict[str, Any]:
        """For `shoal config show --running`: every setting, and what waits for a restart."""
        pending = {each.name: each for each in compare(self._in_use, self._read)}
        return {
            "file": str(file.path) if (file := self._in_use.file) is not None else "",
            "problems": [str(each) for each in self._problems],
            "items": [setting_fields(name, self._in_use, pending.get(name)) for name in table()],
        }

    def _read_file(self) -> tuple[ConfigurationFile, Configured | tuple[Problem, ...]] | None:
        """The file and what it comes to with everything else, or its problems. Blocking."""
        path = self._path()
        if path is None:
            return None
        file = read_file(path)
        if file.problems:
            return file, file.problems
        try:
            return file, configure(self._in_use.given, file)
        except Permanent as error:
            return file, (Problem(str(path), 0, "", error.message, next_step=error.next_step),)

    def _look(self) -> Mark:
        path = self._path()
        return fingerprint(path) if path is not None else ()

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


def _summary(changed: Sequence[Mapping[str, Any]]) -> str:
    """What changed, for the list of what happened."""
    now = [each["setting"] for each in changed if each["effect"] == NOW]
    later = [each["setting"] for each in changed if each["effect"] != NOW]
    parts = [", ".join(now), f"after a restart: {', '.join(later)}" if later else ""]
    return "; ".join(part for part in parts if part) or "it can be used again, and says the same"


def _owner(file: ConfigurationFile) -> str:
    """Who may have changed it, as far as can be known."""
    return "unknown" if file.owner is None else user_name(file.owner)
