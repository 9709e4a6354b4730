"""Where a fleet is read from by commands that work without a controller: as `shoal run` is told it.

A folder, or a repository by its URL with a branch, a folder in it and a secret. What is not given
counts as for a controller that would be started here, by its variables and its file; only a folder
with a `fleet.yaml`, in which somebody stands, counts before the file. The options are written out
here, for their table takes a second to import, and names are completed at every press of a key.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from shoal.cli.fleet_files import read_fleet
from shoal.cli.hiding import masked_errors
from shoal.cli.options import with_options
from shoal.cli.progress import ticking
from shoal.errors import InvalidDocument

if TYPE_CHECKING:
    from shoal.composition.loading import Plugins
    from shoal.composition.settings import Settings
    from shoal.telemetry.masking import Masking

HERE = "."


class FleetType(click.ParamType[str]):
    """A folder or a URL; folders are completed."""

    name = "fleet"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Folders: nobody can list the URLs that there are."""
        return [CompletionItem(incomplete, type="dir")]


_OPTIONS = (
    click.option(
        "--fleet",
        type=FleetType(),
        default=HERE,
        envvar="SHOAL_FLEET",
        metavar="DIR|URL",
        help="The fleet's documents: a folder, or a repository by its URL; here, when left out and "
        "there is a fleet.yaml, else as the controller's configuration says.",
    ),
    click.option(
        "--fleet-path",
        envvar="SHOAL_FLEET_PATH",
        metavar="PATH",
        help="The folder inside a fleet by URL.",
    ),
    click.option(
        "--fleet-branch",
        envvar="SHOAL_FLEET_BRANCH",
        metavar="BRANCH",
        help="The branch of a fleet by URL; its default branch when left out.",
    ),
    click.option(
        "--fleet-secret",
        envvar="SHOAL_FLEET_SECRET",
        metavar="NAME",
        help="The secret for a fleet by URL: shoal/NAME/KEY in the folder of the secrets.",
    ),
    click.option(
        "--secrets",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        envvar="SHOAL_SECRETS",
        help="Secrets as files, as `shoal run` gets them: NAMESPACE/NAME/KEY.",
    ),
)


@dataclass(frozen=True, slots=True)
class FleetSource:
    """One fleet, as it was asked for. `is_named`: somebody said which, or stands in its folder."""

    settings: Settings
    is_named: bool

    @property
    def folder(self) -> Path | None:
        """The folder, as it was written; None when the fleet is fetched."""
        return None if self.settings.fleet_folder is None else Path(self.settings.fleet)

    def files(self, plugins: Plugins, masking: Masking) -> Mapping[str, bytes]:
        """The documents' files; the masking learns the secret that a repository takes."""
        if self.folder is not None:
            return read_fleet(self.folder)
        import anyio

        with ticking(f"fetching {self.settings.fleet_location}"), masked_errors(masking):
            return anyio.run(self.read, plugins, masking)

    async def read(self, plugins: Plugins, masking: Masking) -> Mapping[str, bytes]:
        """The same for who is in a loop and says by itself what goes on."""
        if self.folder is not None:
            return read_fleet(self.folder)
        from shoal.composition.fleet_reading import fetched_files

        return (await fetched_files(self.settings, plugins, masking.known)).files

    def holds_none(self) -> InvalidDocument:
        """What to raise when there is no fleet among the documents."""
        if self.folder is not None:
            return InvalidDocument(
                f"the folder {self.folder} holds no fleet that can be read",
                next_step="see `shoal validate`; --fleet DIR names another folder",
            )
        return InvalidDocument(
            f"{self.settings.fleet_location} holds no fleet that can be read",
            next_step="--fleet-branch and --fleet-path say where in it the documents are; see "
            "`shoal validate` in a clone",
        )


def reads_fleet(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a fleet and of its secrets, handed on as one `ask`.

    It is a function that reads the file, too, and puts everything together when it is called.
    """

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        ask = functools.partial(asked_fleet, click.get_current_context())
        others = {name: value for name, value in kwargs.items() if name not in _NAMES}
        return command(*args, ask=ask, **others)

    return with_options(functools.update_wrapper(wrapped, command), _OPTIONS)


_NAMES = frozenset({"fleet", "fleet_path", "fleet_branch", "fleet_secret", "secrets"})


def asked_fleet(context: click.Context, *, with_file: bool = True) -> FleetSource:
    """The fleet that options, variables and the file name; the folder here when none does."""
    from shoal.cli.setting_options import configured
    from shoal.composition.configuration_file import named_by
    from shoal.composition.configuring import Given, Kind, Origin, configure, require_fleet

    found = configured(context, named_by(os.environ), with_file=with_file)
    kind = found.origins["fleet"].kind
    is_said = kind in (Kind.FLAG, Kind.ENVIRONMENT)
    is_here = Path("fleet.yaml").is_file()
    if not is_said and (is_here or kind is Kind.DEFAULT):
        here = Given(HERE, Origin(Kind.DEFAULT))
        found = configure({**found.given, "fleet": here}, found.file)
    require_fleet(found)
    return FleetSource(found.settings, is_said or is_here or kind is Kind.FILE)
