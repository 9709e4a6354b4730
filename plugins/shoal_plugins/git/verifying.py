"""Whether a revision is signed by a trusted key, decided by git; everything but a yes is a no.

Git checks signatures itself and hands each verdict out as a letter; `G`, a good signature by a key
that is trusted, is the only one that lets a revision through. What is checked is the object whose
id is handed out, by that id. A verdict is remembered by object and set of keys, so that a revision
that does not move costs nothing, and is taken anew when the keys change. The last revision that a
source got is kept as a ref of the mirror; `EveryCommit` looks at everything that came since.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from shoal.errors import SourceUnavailable, UntrustedRevision
from shoal.model.digests import digest_parts
from shoal.model.identity import Ref
from shoal_plugins.git.keyrings import Keyrings, Keys, read_keys
from shoal_plugins.git.mirrors import Mirror, Revision
from shoal_plugins.git.running import Command, GitFailed, Remote, hear_git, run_git
from shoal_plugins.git.specification import GitSpec, Verify, VerifyMode

VERIFIED = "refs/shoal/verified"
MOST_COMMITS = 10_000  # some two minutes with gpg
_SECONDS = 300.0
_MOST_REMEMBERED = 10_000
_GOOD = "G"
_SIGNATURES = "--format=%H%x00%G?%x00%GS%x00%GF%x00%an"
_TAG_KEYS = ("object", "type", "tag")
_LARGEST_TAG = 4 * 1024 * 1024
_SSH_SIGNER = re.compile(r'^Good "git" signature for (.+) with \S+ key (SHA256:\S+)$', re.MULTILINE)
_GPG_SIGNER = re.compile(r"^\[GNUPG:\] GOODSIG \S+ (.+)$", re.MULTILINE)
_GPG_KEY = re.compile(r"^\[GNUPG:\] VALIDSIG (\S+)", re.MULTILINE)
_VERDICTS = {
    "N": "is not signed",
    "B": "has a bad signature, or one by a key that is not allowed to sign for git",
    "U": "is signed by a key that is unknown, or was not valid at the time",
    "E": "is signed by an unknown key, or in a way that cannot be checked",
    "X": "has a signature that has expired",
    "Y": "is signed by a key that has expired",
    "R": "is signed by a key that was revoked",
}


class _Signature(NamedTuple):
    commit: str
    verdict: str
    signer: str
    key: str
    author: str


class _Trust(NamedTuple):
    """What one look is verified with."""

    verify: Verify
    keys: Keys
    keyring: Path
    remote: Remote

    def deny(self, what: str, why: str) -> NoReturn:
        """Refuse a revision."""
        raise UntrustedRevision(
            f"{what} of repository {self.remote.address.text} {why}",
            next_step="sign it with a key that is in secret "
            f"{self.keys.secret}, or add the signer's public key to that secret",
        )


class Verifier:
    """Verifies the revisions of all sources, and remembers what it found good."""

    def __init__(self) -> None:
        self._keyrings = Keyrings()
        self._signers: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def verify(
        self, source: Ref, spec: GitSpec, mirror: Mirror, remote: Remote, revision: Revision
    ) -> str:
        """Who signed a revision; empty when no signature is asked for.

        Raises UntrustedRevision; AccessDenied or BinaryUnavailable when it cannot be told.
        """
        if spec.verify is None:
            return ""
        host = mirror.host
        keys = await read_keys(source.namespace, spec.verify.secret_ref.name, host)
        trust = _Trust(spec.verify, keys, await self._keyrings.folder(keys, host), remote)
        if spec.verify.mode is VerifyMode.TAG:
            signer = await self._tag(spec, mirror, revision, trust)
        else:
            signer = await self._commit(mirror, revision, trust)
        base = f"{VERIFIED}/{digest_parts([*source, spec.branch or ''])[:32]}"
        if mirror.verified.get(base) != revision.commit:
            last = await _read_ref(base, mirror)
            if last and spec.verify.mode is VerifyMode.EVERY_COMMIT:
                await _check_since(last, mirror, revision, trust)
            await _write_ref(base, revision.commit, mirror)
            mirror.verified[base] = revision.commit
        return signer

    async def _commit(self, mirror: Mirror, revision: Revision, trust: _Trust) -> str:
        known = self._remembered(revision.commit, trust)
        if known is None:
            (signature,) = await _signatures(
                ("--no-walk",), (revision.commit,), mirror, trust.keyring
            )
            assert signature.commit == revision.commit
            _check(signature, trust)
            known = self._remember(revision.commit, trust, signature.signer, signature.key)
        return known

    async def _tag(self, spec: GitSpec, mirror: Mirror, revision: Revision, trust: _Trust) -> str:
        name = revision.provenance.version
        if not revision.tag:
            trust.deny(f"tag {name}", "is not signed (it is a mere name of a commit)")
        known = self._remembered(f"{name} {revision.tag}", trust)
        if known is None:
            signer, key = await _check_tag(name, mirror, revision, trust)
            known = self._remember(f"{name} {revision.tag}", trust, signer, key)
        return known

    def _remembered(self, what: str, trust: _Trust) -> str | None:
        return self._signers.get((what, trust.keys.digest))

    def _remember(self, what: str, trust: _Trust, signer: str, key: str) -> str:
        if len(self._signers) >= _MOST_REMEMBERED:
            self._signers.popitem(last=False)
        self._signers[what, trust.keys.digest] = told = f"{signer} ({key})"
        return told


def _check(signature: _Signature, trust: _Trust) -> None:
    if signature.verdict != _GOOD:
        why = _VERDICTS.get(signature.verdict, _VERDICTS["E"])
        by = f" by {signature.author}" if signature.author else ""
        trust.deny(f"commit {signature.commit[:12]}{by}", why)


async def _check_since(last: str, mirror: Mirror, revision: Revision, trust: _Trust) -> None:
    """Every commit that is in the history now and was not in that of the last good revision."""
    if await mirror.is_shallow():
        trust.deny(f"commit {revision.commit[:12]}", "has a history that is cut off")
    found = await _signatures(
        (f"--max-count={MOST_COMMITS + 1}",),
        (revision.commit, f"^{last}"),
        mirror,
        trust.keyring,
    )
    if len(found) > MOST_COMMITS:
        trust.deny(
            f"commit {revision.commit[:12]}",
            f"comes with more than {MOST_COMMITS} commits at once, which are not all verified",
        )
    for signature in found:
        _check(signature, trust)


async def _check_tag(
    name: str, mirror: Mirror, revision: Revision, trust: _Trust
) -> tuple[str, str]:
    command = Command("verify-tag", ("--raw",), (revision.tag,), keyring=trust.keyring)
    try:
        _, heard = await hear_git(command, mirror.folder, mirror.host)
        target, kind, inside = await _tag_headers(revision.tag, mirror)
    except GitFailed as failure:
        trust.deny(f"tag {name}", _tag_trouble(failure.stderr))
    if inside != name:
        # A good signature on another tag proves nothing about this one.
        trust.deny(f"tag {name}", f"holds the signed tag {_short(inside)}, which is another one")
    if (target, kind) != (revision.commit, "commit"):
        trust.deny(f"tag {name}", "is signed, but does not point at a commit itself")
    for who, key in ((_SSH_SIGNER, None), (_GPG_SIGNER, _GPG_KEY)):
        if found := who.search(heard):
            return _signer_of(found, key, heard)
    trust.deny(f"tag {name}", _VERDICTS["E"])


async def _tag_headers(tag: str, mirror: Mirror) -> Sequence[str]:
    """What a tag object points at, of which kind that is, and the name inside."""
    command = Command("cat-file", ("tag",), (tag,), most_bytes=_LARGEST_TAG)
    printed = (await run_git(command, mirror.folder, mirror.host)).decode(errors="replace")
    lines = printed.split("\n", 3)[:3]
    return [line.removeprefix(f"{key} ") for line, key in zip(lines, _TAG_KEYS, strict=True)]


def _signer_of(found: re.Match[str], key: re.Pattern[str] | None, heard: str) -> tuple[str, str]:
    if key is None:
        return _short(found[1]), found[2]
    fingerprint = key.search(heard)
    return _short(found[1]), fingerprint[1] if fingerprint else ""


def _tag_trouble(heard: str) -> str:
    for words, verdict in (
        ("no signature found", "N"),
        ("EXPKEYSIG", "Y"),
        ("REVKEYSIG", "R"),
        ("EXPSIG", "X"),
        ("BADSIG", "B"),
        ("No principal matched", "U"),
        ("NO_PUBKEY", "U"),
    ):
        if words in heard:
            return _VERDICTS[verdict]
    return _VERDICTS["E"]


async def _signatures(
    options: Sequence[str], operands: Sequence[str], mirror: Mirror, keyring: Path
) -> Sequence[_Signature]:
    command = Command(
        "log", (_SIGNATURES, *options), operands, keyring=keyring, deadline_seconds=_SECONDS
    )
    try:
        printed = await run_git(command, mirror.folder, mirror.host)
    except GitFailed as failure:
        raise SourceUnavailable("the mirror of the repository cannot be read") from failure
    # Not `splitlines`: an author's name may hold all that it takes for the end of a line, but "\n".
    lines = printed.decode(errors="replace").split("\n")[:-1]
    return [_Signature(*map(_short, line.split("\0", 4))) for line in lines]


def _short(text: str) -> str:
    # An author's name is anybody's text, and ends up on terminals.
    return "".join(mark if mark.isprintable() else " " for mark in text)[:200]


async def _read_ref(name: str, mirror: Mirror) -> str:
    command = Command("for-each-ref", ("--format=%(objectname)",), (name,))
    return (await run_git(command, mirror.folder, mirror.host)).decode().strip()


async def _write_ref(name: str, commit: str, mirror: Mirror) -> None:
    try:
        await run_git(Command("update-ref", (), (name, commit)), mirror.folder, mirror.host)
    except GitFailed as failure:
        raise SourceUnavailable("the mirror of the repository cannot be written") from failure
