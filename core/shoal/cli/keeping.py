"""`shoal backup` and `shoal restore`: the state folder in one file, and back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from shoal.cli.ending import Ending, note
from shoal.cli.progress import ticking

_STATE = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--state",
    type=_STATE,
    envvar="SHOAL_STATE",
    help="The state folder; not needed when only one controller runs.",
)
def backup(file: Path, state: Path | None) -> int:
    """Write all that cannot be found again to FILE, while the controller runs or not.

    FILE holds the database and the installation's key: keep it as safe as the state folder.
    """
    from datetime import UTC, datetime

    from shoal.api.running import find_state_folder
    from shoal.store.backing_up import back_up

    folder = find_state_folder(state)
    with ticking("writing the backup"):
        manifest = back_up(folder, file, datetime.now(UTC))
    size = f"{file.stat().st_size / 1024:,.0f} KiB"
    note(f"{file}: the state as of record {manifest.seq}, {size}; it holds the installation's key")
    return Ending.OK


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--state", type=_STATE, envvar="SHOAL_STATE", required=True, help="The folder to restore into."
)
@click.option("-r", "--reason", required=True, help="Why; it is recorded.")
def restore(file: Path, state: Path, reason: str) -> int:
    """Put the backup FILE in the place of what a state folder holds; no controller may use it.

    What it replaces is put aside. At the next start every cluster is searched for objects of this
    fleet before anything is deleted; approvals that were given are not believed any more.
    """
    from datetime import UTC, datetime

    import anyio

    from shoal.engine.users import own_name
    from shoal.store.restoring import restore as put_back

    who, now = own_name(), datetime.now(UTC)
    with ticking("reading the backup"):
        done = anyio.run(partial(put_back, state, file, who=who, reason=reason, now=now))
    manifest = done.manifest
    note(f"{state} is as of record {manifest.seq}, backed up at {manifest.taken_at}")
    if done.aside is not None:
        note(f"what was there is in {done.aside}")
    note("start the controller as before: it searches every cluster before it deletes anything")
    return Ending.OK
