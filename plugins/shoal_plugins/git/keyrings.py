"""The public keys that a source trusts, laid out for git, gpg and ssh-keygen to check against.

The keys come from one secret and from nowhere else: not from the repository, not from the keyring
or the allowed signers of whoever runs Shoal, not from a key server. They are public, so they may
lie in the cache folder; they are laid out anew in each process, so that nothing which an earlier
one left there is believed. A program that is missing denies. Used by `verifying`.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from shoal.errors import AccessDenied, BinaryUnavailable
from shoal.hooks.host import Host

ALLOWED_SIGNERS = "allowed_signers"
_OPENPGP = (".asc", ".gpg")
_LARGEST = 4 * 1024 * 1024
_GPG_SECONDS = 30.0
_GPG_CONFIGURATION = """\
batch
no-tty
no-autostart
no-auto-key-locate
no-auto-key-retrieve
no-auto-key-import
disable-dirmngr
lock-never
trust-model always
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one secret, by the names they have there."""

    secret: str
    allowed_signers: bytes = field(repr=False)
    openpgp: tuple[bytes, ...] = field(repr=False)

    @property
    def digest(self) -> str:
        """Equal when, and only when, the same keys are trusted."""
        state = hashlib.sha256()
        for part in (self.secret.encode(), self.allowed_signers, *self.openpgp):
            state.update(len(part).to_bytes(8, "big") + part)
        return state.hexdigest()


async def read_keys(namespace: str, name: str, host: Host) -> Keys:
    """Read the secret anew, so that a key that was taken out is trusted no longer."""
    values = await host.secrets.read(namespace, name)
    signers = values.get(ALLOWED_SIGNERS, b"")
    openpgp = tuple(values[key] for key in sorted(values) if key.endswith(_OPENPGP))
    if not signers.strip() and not any(part.strip() for part in openpgp):
        raise AccessDenied(
            f"secret {namespace}/{name} holds no key to verify signatures with",
            next_step="give it the key allowed_signers (SSH), or keys that end in .asc (OpenPGP)",
        )
    if sum(map(len, openpgp)) + len(signers) > _LARGEST:
        raise AccessDenied(f"secret {namespace}/{name} holds more than {_LARGEST} bytes of keys")
    return Keys(f"{namespace}/{name}", signers, openpgp)


class Keyrings:
    """The folders of keys of this process, one per set of keys."""

    def __init__(self) -> None:
        self._made: set[Path] = set()
        self._making = anyio.Lock()

    async def folder(self, keys: Keys, host: Host) -> Path:
        """The folder with these keys, made at the first call.

        Raises AccessDenied when a key cannot be read, BinaryUnavailable when gpg or ssh-keygen is
        not there.
        """
        folder = host.cache_folder / "keys" / keys.digest[:32]
        async with self._making:
            if folder not in self._made or not await anyio.Path(folder).is_dir():
                await host.run_in_thread(_lay_out, folder, keys)
                self._made.add(folder)
        return folder


def _lay_out(folder: Path, keys: Keys) -> None:
    for program, is_needed in (("ssh-keygen", keys.allowed_signers), ("gpg", keys.openpgp)):
        if is_needed and shutil.which(program) is None:
            raise BinaryUnavailable(
                f"signatures cannot be verified with secret {keys.secret}, because {program} is "
                "not on PATH",
                next_step=f"install {program}; until then nothing new of this source is taken",
            )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    (folder / ALLOWED_SIGNERS).write_bytes(keys.allowed_signers)
    (folder / "gpg.conf").write_text(_GPG_CONFIGURATION)
    for part in keys.openpgp:
        _import(folder, part, keys.secret)


def _import(folder: Path, part: bytes, secret: str) -> None:
    if b"PRIVATE KEY" in part:
        raise AccessDenied(
            f"secret {secret} holds a private key where public keys are expected",
            next_step="export the public key with `gpg --armor --export`",
        )
    try:
        done = subprocess.run(
            ["gpg", "--homedir", str(folder), "--status-fd", "1", "--import"],
            input=part,
            capture_output=True,
            timeout=_GPG_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AccessDenied(f"gpg did not read the keys of secret {secret} in time") from None
    if b"[GNUPG:] IMPORT_OK" not in done.stdout:
        raise AccessDenied(
            f"secret {secret} holds a key that gpg cannot read",
            next_step="export it with `gpg --armor --export`, whole",
        )


def verification_settings(keyring: Path) -> Mapping[str, str]:
    """The configuration with which git checks signatures against a folder of keys only."""
    return {
        "gpg.program": "gpg",
        "gpg.openpgp.program": "gpg",
        # S/MIME knows no keys of ours; this program refuses whatever it is asked.
        "gpg.x509.program": "false",
        "gpg.ssh.program": "ssh-keygen",
        "gpg.ssh.allowedSignersFile": str(keyring / ALLOWED_SIGNERS),
        "gpg.ssh.revocationFile": "",
        # All that is in the folder is trusted in full, what is not is unknown.
        "gpg.minTrustLevel": "fully",
    }
