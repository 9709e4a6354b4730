"""People with real keys: OpenPGP by gpg, SSH by ssh-keygen, made in the folder of the test."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed"
)
_PAST = "20200101T000000"

HEAD = {"verify": {"secretRef": {"name": "signers"}}}
TAG = {"verify": {"mode": "Tag", "secretRef": {"name": "signers"}}}
EVERY = {"verify": {"mode": "EveryCommit", "secretRef": {"name": "signers"}}}


@dataclass(frozen=True)
class Person:
    """Somebody who signs: `options` go before git's command, `public` is what others trust."""

    name: str
    options: tuple[str, ...]
    public: bytes
    home: Path

    @property
    def allowed_signer(self) -> bytes:
        """A line of the file of allowed signers."""
        return f"{self.name}@example.com ".encode() + self.public


def ssh_person(folder: Path, name: str) -> Person:
    """Somebody with an SSH key."""
    home = folder / f"ssh-{name}"
    home.mkdir()
    key = home / "key"
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key))
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}")
    return Person(name, options, key.with_suffix(".pub").read_bytes(), home)


def gpg_person(folder: Path, name: str, *gpg: str, expire: str = "never") -> Person:
    """Somebody with an OpenPGP key; `gpg` are options for gpg whenever it makes or uses the key."""
    home = folder / f"g-{name}"
    home.mkdir(mode=0o700)
    (home / "gpg.conf").write_text("batch\npinentry-mode loopback\n")
    program = home / "gpg"
    program.write_text(f'#!/bin/sh\nexec gpg --homedir {home} {" ".join(gpg)} "$@"\n')
    program.chmod(0o755)
    user = f"{name} <{name}@example.com>"
    _run(program, "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", expire)
    options = ("-c", f"gpg.program={program}", "-c", f"user.signingKey={user}")
    return Person(name, options, exported(home), home)


def expired_gpg_person(folder: Path, name: str) -> Person:
    """Somebody whose key was good for one day, years ago, and who signs as if it were that day."""
    return gpg_person(folder, name, f"--faked-system-time={_PAST}", expire="1d")


def lapsed_gpg_person(folder: Path, name: str) -> Person:
    """Somebody whose key is good for ever, and whose signatures, made years ago, held for a day."""
    return gpg_person(folder, name, f"--faked-system-time={_PAST}", "--default-sig-expire", "1d")


def revoke(person: Person) -> bytes:
    """Revoke an OpenPGP key; what others trust from now on."""
    (certificate,) = (person.home / "openpgp-revocs.d").glob("*.rev")
    usable = certificate.read_text().replace(":-----BEGIN", "-----BEGIN")
    _run("gpg", "--homedir", person.home, "--import", given=usable)
    return exported(person.home)


def exported(home: Path) -> bytes:
    """The public keys of a home of gpg."""
    return _run("gpg", "--homedir", home, "--armor", "--export")


def _run(*command: str | Path, given: str = "") -> bytes:
    done = subprocess.run(
        [str(part) for part in command],
        input=given.encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def end_agent(home: Path) -> None:
    """End the agent that gpg started for a home."""
    subprocess.run(
        ["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True
    )


async def signed(repository, person, message: str = "Change", *options: str) -> str:
    """A pushed commit that a person signed."""
    options = (*person.options, "commit", "-q", "-S", "--allow-empty", "-m", message, *options)
    await repository.git(*options)
    await repository.git("push", "-q", "--force", "origin", "HEAD")
    return await repository.git("rev-parse", "HEAD")


async def signed_tag(repository, person, name: str) -> None:
    await repository.git(*person.options, "tag", "-s", "--force", "-m", name, name)
    await repository.git("push", "-q", "--force", "origin", name)
