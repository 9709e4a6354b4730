"""Which installed plugins are loaded: our own, and those whose distribution somebody has named.

A plugin runs inside the process and can do what the process can do: read every secret, write to
every cluster. That something was installed, perhaps as a dependency of a dependency, is no consent
to that. So a distribution is named, `NAME`, `NAME==VERSION` or `NAME==VERSION@sha256:DIGEST`, and
whatever is not named is not imported: all that is read of it is its metadata. A name that does not
fit what is installed is an error, and nothing is loaded then.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, EntryPoint, PackagePath
from typing import NamedTuple

from shoal.errors import Permanent, UnknownName
from shoal.model.choice import nearest

OUR_DISTRIBUTION = "shoal"
_OUR_PACKAGES = ("shoal_plugins.", "shoal_clusters.")
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:==([^@\s]+))?(?:@sha256:([0-9a-f]{64}))?")
# Written by whoever installs it, and different on each machine.
_OF_INSTALLERS = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})


class Named(NamedTuple):
    """One distribution that may be loaded; an empty version or digest is any."""

    distribution: str
    version: str = ""
    digest: str = ""


class Chosen(NamedTuple):
    """The entry points to load, and those of distributions that nobody has named."""

    loaded: Sequence[EntryPoint]
    left_out: Sequence[EntryPoint]


def read_named(text: str) -> Named:
    """`acme`, `acme==1.2` or `acme==1.2@sha256:…`; Permanent for anything else."""
    found = _NAMED.fullmatch(text)
    if found is None:
        raise Permanent(
            f"{text!r} does not name a plugin's distribution",
            next_step="write NAME, NAME==VERSION or NAME==VERSION@sha256:DIGEST",
        )
    name, version, digest = found.groups(default="")
    return Named(_normal(name), version, digest)


def choose(points: Iterable[EntryPoint], named: Sequence[Named]) -> Chosen:
    """What may be loaded; raises when a name does not fit what is installed."""
    known = list(points)
    installed = {_normal(origin(point)[0]): point for point in known}
    for each in named:
        if each.distribution not in installed:
            near = nearest(each.distribution, installed)
            raise UnknownName(
                f"the plugin {each.distribution} is named, and no distribution of that name with a "
                "plugin is installed" + (f"; did you mean {near}?" if near else ""),
                next_step="`shoal plugin list` without it shows what is installed",
            )
        _check(each, installed[each.distribution])
    names = {each.distribution for each in named}
    loaded = [each for each in known if is_built_in(each) or _normal(origin(each)[0]) in names]
    return Chosen(loaded, [each for each in known if each not in loaded])


def origin(point: EntryPoint) -> tuple[str, str]:
    """The distribution and version an entry point came from; its module when there is none."""
    return (point.dist.name, point.dist.version) if point.dist else (point.module, "")


def is_built_in(point: EntryPoint) -> bool:
    """Whether it is one of our own, by its distribution and by its package."""
    return origin(point)[0] == OUR_DISTRIBUTION and point.value.startswith(_OUR_PACKAGES)


def how_to_name(point: EntryPoint) -> str:
    """The most exact name of the distribution that this plugin came from."""
    name, version = origin(point)
    exact = f"{name}=={version}" if version else name
    if point.dist is None or _is_editable(point.dist):
        return exact
    return f"{exact}@sha256:{digest_of(point.dist)}"


def digest_of(distribution: Distribution) -> str:
    """Over path and content of each file that its record lists, as they are on the disk now.

    Compiled files, and what an installer writes, are left out: the digest is that of the wheel.
    """
    total = hashlib.sha256()
    for path in sorted(distribution.files or (), key=str):
        if _counts(path):
            content = distribution.locate_file(path).read_bytes()  # type: ignore[attr-defined]  # a Path
            total.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def _check(named: Named, point: EntryPoint) -> None:
    version = origin(point)[1]
    if named.version and named.version != version:
        raise Permanent(
            f"the plugin {named.distribution} is named in version {named.version}, and installed "
            f"in version {version}",
            next_step="install the version that is named, or name the one that is installed",
        )
    if not named.digest:
        return
    if point.dist is None or _is_editable(point.dist):
        raise Permanent(
            f"the plugin {named.distribution} is installed from a folder that may change, so no "
            "digest can hold it",
            next_step="install it from a wheel, or name it without a digest",
        )
    found = digest_of(point.dist)
    if found != named.digest:
        raise Permanent(
            f"the files of the plugin {named.distribution} are not those that are named: their "
            f"digest is {found}",
            next_step="find out who changed them; if that was you, name the new digest",
        )


def _counts(path: PackagePath) -> bool:
    is_made_here = path.suffix == ".pyc" or path.parts[0] == ".."
    return not is_made_here and not (
        path.parent.name.endswith(".dist-info") and path.name in _OF_INSTALLERS
    )


def _is_editable(distribution: Distribution) -> bool:
    told = json.loads(distribution.read_text("direct_url.json") or "{}")
    return bool(told.get("dir_info", {}).get("editable"))


def _normal(name: str) -> str:
    """One spelling for all that mean the same (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
