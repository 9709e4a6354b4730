"""What people write below `git:`, and what is refused while it is still a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from shoal.errors import InvalidSource
from shoal.model.choice import Spec
from shoal.model.secret_refs import SecretRef
from shoal_plugins.git.addresses import Address, parse_address
from shoal_plugins.git.versions import parse_range

# The rules of git-check-ref-format(1); what they refuse no repository can hold.
_FORBIDDEN_IN_REF = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(?:/|$)|(?:^|/)\.|[./]$|^[-/]|^@$"
)
_LONGEST_REF = 255


def _agreed_url(value: str) -> str:
    parse_address(value)
    return value


def _agreed_ref(value: str) -> str:
    if not value or len(value) > _LONGEST_REF or _FORBIDDEN_IN_REF.search(value):
        raise ValueError("expected the short name of a branch or tag, such as main or v1.2.0")
    if value.startswith("refs/"):
        raise ValueError("expected a short name, without refs/heads/ or refs/tags/")
    return value


def _agreed_range(value: str) -> str:
    parse_range(value)
    return value


def _agreed_prefix(value: str) -> str:
    _agreed_ref(f"{value}1.0.0")
    return value


class History(StrEnum):
    """How much of the past is fetched beside a revision."""

    FULL = "Full"
    LATEST = "Latest"


class Submodules(StrEnum):
    """What is done about submodules."""

    REFUSE = "Refuse"
    FETCH = "Fetch"


class VerifyMode(StrEnum):
    """What of a revision must be signed."""

    HEAD = "Head"
    TAG = "Tag"
    EVERY_COMMIT = "EveryCommit"


class Verify(Spec):
    """A revision is taken only when a trusted key signed it."""

    mode: VerifyMode = Field(
        default=VerifyMode.HEAD,
        description="What must be signed: the commit itself (Head), the tag that leads to it "
        "(Tag), or the commit and all that came since the last one taken (EveryCommit).",
    )
    secret_ref: SecretRef = Field(
        description="A secret with public keys: allowed_signers (SSH), or keys that end in .asc "
        "(OpenPGP)."
    )


_NAMED: Sequence[dict[str, Any]] = [
    {"required": [name]} for name in ("branch", "tag", "commit", "semver")
]
_AT_MOST_ONE_REVISION: dict[str, Any] = {
    "oneOf": [*_NAMED, {"not": {"anyOf": _NAMED}}],
    "dependencies": {"tagPrefix": ["semver"]},
}


class GitSpec(Spec):
    """A Git repository, and what of it is wanted; the remote's HEAD when nothing is named."""

    model_config = ConfigDict(json_schema_extra=_AT_MOST_ONE_REVISION)

    url: Annotated[str, AfterValidator(_agreed_url)] = Field(
        description="https://host/path.git, ssh://user@host:port/path.git or user@host:path.git, "
        "http:// to this machine, or a path from the fleet's folder when the fleet is a local "
        "folder."
    )
    branch: Annotated[str, AfterValidator(_agreed_ref)] | None = Field(
        default=None, description="Follow this branch."
    )
    tag: Annotated[str, AfterValidator(_agreed_ref)] | None = Field(
        default=None, description="Follow this tag."
    )
    commit: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{40}$",
        description="Stay at this commit; all 40 digits, because a short name can become another.",
    )
    semver: Annotated[str, AfterValidator(_agreed_range)] | None = Field(
        default=None,
        description="Follow the tag with the newest version of this range, such as >=1.2 <2, ~1.2 "
        "or 1.x; prereleases only when the range names one (>=1.2-0).",
    )
    tag_prefix: Annotated[str, AfterValidator(_agreed_prefix)] | None = Field(
        default=None,
        description="What stands before the version in the tags that semver looks at, such as web- "
        "for web-1.2.0; other tags are left out.",
    )
    secret_ref: SecretRef | None = Field(
        default=None,
        description="A secret with a login: the key token, or username and password, or "
        "bearerToken, or those of a GitHub App; for ssh identity and known_hosts. ca.crt, tls.crt "
        "and tls.key may stand beside it.",
    )
    proxy_secret_ref: SecretRef | None = Field(
        default=None,
        description="A secret with the key address of an HTTP proxy for this source, and username "
        "and password when the proxy asks for them. Left out: HTTPS_PROXY and NO_PROXY hold.",
    )
    history: History = Field(
        default=History.FULL,
        description="Fetch all commits that led to a revision (Full), or the revision alone "
        "(Latest), for repositories whose past is large.",
    )
    submodules: Submodules = Field(
        default=Submodules.REFUSE,
        description="Refuse whatever reads a submodule, or fetch those of the same server at the "
        "commits that a revision pins.",
    )
    verify: Verify | None = Field(
        default=None, description="Whose signatures are asked for; nobody's when left out."
    )

    @model_validator(mode="after")
    def _at_most_one_revision(self) -> Self:
        named = (self.branch, self.tag, self.commit, self.semver)
        if sum(part is not None for part in named) > 1:
            raise ValueError("give at most one of branch, tag, commit and semver")
        if self.tag_prefix is not None and self.semver is None:
            raise ValueError("tagPrefix belongs to semver")
        if self.verify and self.verify.mode is VerifyMode.TAG and not (self.tag or self.semver):
            raise ValueError("verify mode Tag needs a tag or semver")
        if (
            self.verify
            and self.verify.mode is VerifyMode.EVERY_COMMIT
            and self.history is History.LATEST
        ):
            raise ValueError("verify mode EveryCommit needs history Full")
        if self.secret_ref and self.address.is_local:
            raise ValueError("a local path takes no secretRef")
        return self

    @model_validator(mode="after")
    def _secrets_fit_the_address(self) -> Self:
        if self.address.is_ssh and self.secret_ref is None:
            raise ValueError("an ssh address needs secretRef, with identity and known_hosts")
        if self.proxy_secret_ref and (self.address.protocol != "https" or self.address.is_loopback):
            raise ValueError("proxySecretRef is for https addresses of other machines")
        return self

    @property
    def address(self) -> Address:
        """The agreed address."""
        return parse_address(self.url)


_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAMING = {"branch", "tag", "commit", "semver", "tag_prefix"}


def at_revision(spec: GitSpec, revision: str) -> Sequence[GitSpec]:
    """The same repository at a commit, or else at the branch or the tag of this name.

    What must be signed must be signed here too. Raises InvalidSource for what names nothing.
    """
    kinds = ("commit",) if _COMMIT.fullmatch(revision) else ("branch", "tag")
    kept = spec.model_dump(by_alias=True, exclude=_NAMING, exclude_unset=True)
    found: list[GitSpec] = []
    for kind in kinds:
        with suppress(ValidationError):
            found.append(GitSpec.model_validate({**kept, kind: revision}))
    if not found:
        raise InvalidSource(
            f"{revision[:100]!r} is no revision of this source",
            next_step="name a branch, a tag, or a commit by all of its 40 digits; a source that "
            "verifies tags has no other revisions",
        )
    return found
