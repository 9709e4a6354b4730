"""The source `http`: one file of a web server, such as the install.yaml of a release."""

from __future__ import annotations

from posixpath import basename
from urllib.parse import urlsplit

from pydantic import Field

from shoal.errors import AccessDenied, InvalidSource, SourceUnavailable, UntrustedRevision
from shoal.hooks.host import Host, HttpRequest
from shoal.model.artifacts import Artifact, Provenance
from shoal.model.choice import Spec
from shoal.model.digests import digest_bytes
from shoal.model.identity import Ref
from shoal.model.secret_refs import SecretRef
from shoal.model.trees import MemoryTree

_MOST_BYTES = 8 * 1024 * 1024


class HttpSpec(Spec):
    """One file of a web server; its content is the revision."""

    url: str = Field(
        pattern=r"^https?://[^/?#\s@]+/[^?#\s]*[^/?#\s]$",
        description="https://host/path/install.yaml; http:// to this machine only.",
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Take only the content with this digest; any when left out.",
    )
    secret_ref: SecretRef | None = Field(
        default=None, description="A secret with the key token, sent as a bearer token."
    )


class HttpSource:
    """Downloads the file at each look; keeps nothing."""

    name = "http"
    spec = HttpSpec

    async def fetch(
        self, source: Ref, spec: HttpSpec, previous: Artifact | None, host: Host
    ) -> Artifact:
        """The file as it is now; `previous` itself when its content is the same."""
        headers = await _login(source, spec, host)
        answer = await host.http.request(
            HttpRequest(method="GET", url=spec.url, headers=headers, most_bytes=_MOST_BYTES)
        )
        _check(answer.status, answer.headers.get("retry-after", ""), spec)
        revision = digest_bytes(answer.body)
        if spec.sha256 not in (None, revision):
            raise UntrustedRevision(
                f"the digest of {spec.url} is {revision}, and {spec.sha256} is asked for",
                next_step="find out why it changed before you name the new digest",
            )
        made = Provenance(url=spec.url)
        if previous is not None and (previous.revision, previous.provenance) == (revision, made):
            return previous
        tree = MemoryTree({basename(urlsplit(spec.url).path): answer.body})
        return Artifact(source, revision, tree.digest, tree, made)


async def _login(source: Ref, spec: HttpSpec, host: Host) -> dict[str, str]:
    if spec.secret_ref is None:
        return {}
    secret = await host.secrets.read(source.namespace, spec.secret_ref.name)
    token = secret.get("token", b"").decode("ascii", "replace").strip()
    if not token.isascii() or not token.isprintable() or not token:
        name = f"{source.namespace}/{spec.secret_ref.name}"
        raise AccessDenied(f"the key token of the secret {name} holds no token of one line")
    return {"Authorization": f"Bearer {token}"}


def _check(status: int, retry_after: str, spec: HttpSpec) -> None:
    """Whatever is not the file is an error, and never an empty source."""
    if status == 200:
        return
    if status in (401, 403):
        raise AccessDenied(f"{spec.url} is not given to us: status {status}")
    if status == 429 or status >= 500:
        after = float(retry_after) if retry_after.isdecimal() else None
        raise SourceUnavailable(f"{spec.url} answered with status {status}", after_seconds=after)
    next_step = "name the address that it leads to" if 300 <= status < 400 else "correct the url"
    raise InvalidSource(f"{spec.url} is no file: status {status}", next_step=next_step)
