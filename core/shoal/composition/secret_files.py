"""Secrets from a folder: `DIR/<namespace>/<name>/<key>`, one file per key.

For the namespace `default`, `DIR/<name>/<key>` is enough; the longer form is preferred. This is the
shape of a mounted Kubernetes Secret, so `..data` links and other dot files are passed over. Names
come from documents: whatever is not a plain name is refused before the disk is touched, and a link
that leads out of the folder is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from shoal.errors import AccessDenied
from shoal.hooks.host import ThreadRunner

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_KEY_BYTES = 1024 * 1024  # the size limit of a Kubernetes Secret


class SecretFolder:
    """The secrets of one folder; without a folder there are none, and every read is refused."""

    def __init__(self, folder: Path | None, run_in_thread: ThreadRunner) -> None:
        self._folder = folder
        self._run_in_thread = run_in_thread

    async def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """All keys of one secret, read anew each time. AccessDenied when it is not there."""
        if self._folder is None:
            raise AccessDenied(
                f"the secret {namespace}/{name} is needed, and where secrets are was not said",
                next_step="give --secrets DIR, or `secrets` in the configuration",
            )
        for part in (namespace, name):
            if ".." in part or not _NAME.fullmatch(part):
                raise AccessDenied(f"{namespace}/{name} is not a name that a secret can have")
        keys = await self._run_in_thread(_read_keys, self._folder, namespace, name)
        if not keys:
            raise AccessDenied(
                f"the secret {namespace}/{name} is not in {self._folder}",
                next_step=f"write its keys as files into {self._folder / namespace / name}",
            )
        return keys


def _read_keys(root: Path, namespace: str, name: str) -> dict[str, bytes]:
    folders = [root / namespace / name]
    if namespace == "default":
        folders.append(root / name)
    for folder in folders:
        if keys := _read_folder(root.resolve(), folder):
            return keys
    return {}


def _read_folder(root: Path, folder: Path) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    try:
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            path = file.resolve()
            if file.name.startswith(".") or not path.is_relative_to(root) or not path.is_file():
                continue
            with path.open("rb") as stream:
                keys[file.name] = stream.read(_KEY_BYTES)
    except OSError as error:
        raise AccessDenied(
            f"the secret in {folder} cannot be read: {error.strerror}",
            next_step="let the user who runs the controller read it",
        ) from error
    return keys
