"""What reads a fleet, by the settings that name it: one way, with a controller and without.

A folder is read as it lies; a repository through the source plugin for Git, with the secret that
the settings name. Called by `composition.engine` for a controller that goes on reading, and by
commands that look at a fleet once.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from shoal.composition.bordering import guard_of
from shoal.composition.lending import lent_hosts
from shoal.composition.loading import Plugins
from shoal.composition.settings import Settings
from shoal.engine.fleet import FleetFiles, FleetReader, RepositoryReader
from shoal.engine.fleet_folder import FolderReader
from shoal.engine.guarding import Guard
from shoal.errors import Permanent
from shoal.hooks.host import Host, ThreadRunner
from shoal.model.choice import Spec
from shoal.telemetry.known import KnownSecrets

FLEET_SOURCE = "git"


def fleet_reader(
    settings: Settings,
    plugins: Plugins,
    hosts: Mapping[str, Host],
    guard: Guard,
    run_in_thread: ThreadRunner,
) -> FleetReader:
    """What reads this fleet; `hosts` are those of the source plugins, by name."""
    if settings.fleet_folder is not None:
        if settings.fleet_secret:
            raise Permanent("a fleet in a folder takes no --fleet-secret")
        return FolderReader(settings.fleet_folder, run_in_thread)
    source_type = plugins.sources.get(FLEET_SOURCE)
    if source_type is None:
        raise Permanent("a fleet by URL needs the source plugin git")
    return RepositoryReader(
        source_type=source_type,
        spec=_fleet_spec(settings, source_type.spec),
        location=settings.fleet_location,
        path=settings.fleet_path,
        host=hosts[FLEET_SOURCE],
        guard=guard,
    )


async def fetched_files(settings: Settings, plugins: Plugins, known: KnownSecrets) -> FleetFiles:
    """A fleet by URL as it is now, into the cache of the commands; `known` learns its secret."""
    async with lent_hosts(plugins, None, known, secrets_folder=settings.secrets) as lent:
        hosts = {name: await lent.of("sources", name) for name in plugins.sources}
        reader = fleet_reader(settings, plugins, hosts, guard_of(plugins), lent.run_in_thread)
        files = await reader.read(None)
    assert files is not None  # a commit is never half written
    return files


def _fleet_spec(settings: Settings, model: type[Spec]) -> Spec:
    """What a document would say about the fleet's repository, from the options of the command."""
    written: dict[str, object] = {"url": settings.fleet}
    if settings.fleet_branch:
        written["branch"] = settings.fleet_branch
    if settings.fleet_secret:
        written["secretRef"] = {"name": settings.fleet_secret}
    try:
        return model.model_validate(written)
    except ValidationError as error:
        # Options and not a document, so there is no line to point at; the input is never repeated.
        said = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
        raise Permanent(
            f"the fleet's repository cannot be used: {said}",
            next_step="correct --fleet, --fleet-branch or --fleet-secret",
        ) from None
