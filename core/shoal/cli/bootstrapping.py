"""`shoal bootstrap`: from an empty repository, or none, to a fleet that is committed and pushed.

It makes the files that `shoal init` makes and lets the user's own git, with the user's own
credentials, bring them into the repository. Only files that it made are committed; what is there
stays. Done a second time it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.cli.ending import Ending, note
from shoal.cli.options import Output, prints
from shoal.cli.own_git import commit, open_repository, push
from shoal.cli.plugging import loaded_plugins
from shoal.cli.printing import print_list
from shoal.cli.scaffolding import SCAFFOLD_FILE, name_option, scaffolded, wanted_files

if TYPE_CHECKING:
    from shoal.documents.scaffolding import Wanted

_SSH_SECRET = "git"  # noqa: S105  # the name of one


@click.command()
@click.argument("where", metavar="URL|DIR")
@name_option
@click.option("--branch", default="main", show_default=True, help="The branch of the fleet.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where a URL is cloned to; a folder of the repository's name, here, when left out.",
)
@click.option(
    "--secret",
    metavar="NAME",
    help="The secret with which Shoal will read the repository; `git` for ssh when left out.",
)
@prints
def bootstrap(
    where: str,
    name: str | None,
    branch: str,
    into: Path | None,
    secret: str | None,
    output: Output,
) -> int:
    """Begin a fleet in a repository: clone or make it, write the files, commit and push them.

    Your own git does it, with your own credentials; without a terminal nothing is asked. What is
    in the repository already stays as it is, so it can be done again.
    """
    from shoal.documents.scaffolding import Wanted, fleet_name
    from shoal.model.locations import is_remote

    is_url = is_remote(where)
    if into is not None and not is_url:
        raise click.UsageError("--into is for a URL: a folder is used where it is")
    folder = (into or Path(_last_part(where))) if is_url else Path(where)
    wanted = Wanted(
        name=name or fleet_name(_last_part(where) if is_url else folder.absolute().name),
        repository=where if is_url else ".",
        branch=branch,
        secret=secret or (_SSH_SECRET if is_url and _is_ssh(where) else ""),
    )
    files = wanted_files(wanted)
    _refuse_unreadable(files)
    repository = open_repository(where if is_url else "", folder, branch)
    items = scaffolded(folder, files)
    is_committed = commit(repository, list(files), f"Begin the fleet {wanted.name}")
    is_pushed = is_url and push(repository, branch)
    print_list(output, SCAFFOLD_FILE, items)
    _tell(is_committed=is_committed, is_pushed=is_pushed)
    for step in _next_steps(where if is_url else "", folder, wanted):
        note(step)
    return Ending.OK


def _last_part(url: str) -> str:
    return url.rstrip("/").replace(":", "/").rpartition("/")[2].removesuffix(".git") or "fleet"


def _is_ssh(url: str) -> bool:
    return url.startswith("ssh://") or "://" not in url


def _refuse_unreadable(files: Mapping[str, str]) -> None:
    """Documents that Shoal itself could not use are refused before anything is cloned."""
    from shoal.documents import load

    documents = {name: text.encode() for name, text in files.items() if name.endswith(".yaml")}
    if problems := load(documents, loaded_plugins().seams).problems:
        raise click.UsageError(f"this repository cannot be read by Shoal: {problems[0].as_text()}")


def _tell(*, is_committed: bool, is_pushed: bool) -> None:
    done = [
        word for word, is_done in (("committed", is_committed), ("pushed", is_pushed)) if is_done
    ]
    note(" and ".join(done) if done else "nothing to do: it is all there")


def _next_steps(url: str, folder: Path, wanted: Wanted) -> Sequence[str]:
    """What is still needed, as commands."""
    steps = ["next:", *([f"  cd {folder}"] if folder != Path() else [])]
    steps.append("  shoal cluster add dev --kubeconfig FILE -l env=dev")
    publish = " && git push" if url else ""
    steps.append(f"  git add clusters && git commit -m 'Add the cluster dev'{publish}")
    run = (
        f"shoal run --fleet {url} --fleet-branch {wanted.branch}" if url else "shoal run --fleet ."
    )
    if wanted.secret:
        run += f" --fleet-secret {wanted.secret} --secrets DIR"
        keys = "identity and known_hosts" if _is_ssh(url) else "token"
        places = f"DIR/default/{wanted.secret}/ and DIR/shoal/{wanted.secret}/"
        steps.append(f"  put {keys} into {places}")
    return [*steps, f"  {run}"]
