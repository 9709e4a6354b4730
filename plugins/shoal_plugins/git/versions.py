"""Which tag a range of versions means: `>=1.2 <2`, `~1.2`, `^2`, `1.x || 3.x`, `1.2 - 1.4`.

The grammar and the answers are those of Masterminds/semver 3.4, which Flux and Helm use, so that a
range means here what it means there. Each part of a range becomes bounds, lower inclusive and upper
exclusive; a prerelease is looked at only when its group names one (`>=1.0.0-0`). Where its code is
unlike its documentation we follow the latter: `~0.0.0` is bounded, `^*` is any version. `>*` and
`<*`, which nothing satisfies, are refused. Pure: texts in, one text out. `selecting` asks,
`specification` refuses what cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from semver import Version

_LONGEST_RANGE = 256
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_PARTIAL = (
    rf"v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)
_COMPARISON = re.compile(rf"(!=|>=|=>|<=|=<|~>|[=><~^]|)\s*{_PARTIAL}(?=[\s,]|$)")
_BETWEEN = re.compile(r"[\s,]*")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_LOWEST = Version(0, 0, 0, prerelease="0")


class _Partial(NamedTuple):
    """A version whose last numbers may be missing, or `x`."""

    major: int | None
    minor: int | None
    patch: int | None
    prerelease: str | None

    @property
    def lowest(self) -> Version:
        """The lowest version that it stands for."""
        minor, patch = self.minor or 0, self.patch or 0
        version = Version(self.major or 0, minor, patch, prerelease=self.prerelease)
        return Version.parse(str(version))  # prereleases such as `01` are no versions


class _Bounds(NamedTuple):
    """What one comparison lets through: from `low` to below `high`, or just that when `outside`."""

    low: Version
    high: Version | None
    outside: bool = False

    def admits(self, version: Version) -> bool:
        inside = version >= self.low and (self.high is None or version < self.high)
        return inside != self.outside


class _Group(NamedTuple):
    """Comparisons that must hold together."""

    bounds: tuple[_Bounds, ...]
    with_prereleases: bool

    def admits(self, version: Version) -> bool:
        if version.prerelease and not self.with_prereleases:
            return False
        return all(one.admits(version) for one in self.bounds)


class VersionRange(NamedTuple):
    """Groups of comparisons, one of which must hold."""

    groups: tuple[_Group, ...]

    def admits(self, version: Version) -> bool:
        """Whether a version satisfies the range."""
        return any(group.admits(version) for group in self.groups)


def parse_range(text: str) -> VersionRange:
    """Read a range, or raise ValueError that says what cannot be read."""
    if not text.strip() or len(text) > _LONGEST_RANGE:
        raise ValueError("expected a range of versions, such as >=1.2 <2, ~1.2, ^2 or 1.x")
    return VersionRange(tuple(_group(part) for part in text.split("||")))


def newest(tags: Iterable[str], wanted: VersionRange, prefix: str = "") -> str | None:
    """The tag with the newest version of a range; None when there is none."""
    return next((tag for tag, version in by_age(tags, prefix) if wanted.admits(version)), None)


def by_age(tags: Iterable[str], prefix: str = "") -> Iterator[tuple[str, Version]]:
    """The tags that are versions, the newest first; other tags are left out.

    `v1.2.0` and `1.2.0` are versions, `1.2` is not. Of versions that differ in their build only,
    which semver calls equal, the greater build is the newer; so the order never depends on chance.
    """
    found = [(tag, version) for tag in tags if (version := _version(tag, prefix)) is not None]
    found.sort(key=lambda each: (each[1], _build(each[1]), each[0]), reverse=True)
    return iter(found)


def _version(tag: str, prefix: str) -> Version | None:
    if not tag.startswith(prefix):
        return None
    try:
        return Version.parse(tag.removeprefix(prefix).removeprefix("v"))
    except ValueError:
        return None


def _build(version: Version) -> list[tuple[bool, int, str]]:
    """Numbers before words, and numbers by size; they may have more digits than an int takes."""
    parts = version.build.split(".") if version.build else []
    return [(not part.isdigit(), len(part) if part.isdigit() else 0, part) for part in parts]


def _group(text: str) -> _Group:
    text = _HYPHEN.sub(r">=\1 <=\2", text.strip()) or "*"
    bounds: list[_Bounds] = []
    with_prereleases = False
    position = 0
    while position < len(text):
        found = _COMPARISON.match(text, position)
        if found is None:
            raise ValueError(f"{text[position:][:40]!r} is not part of a range of versions")
        operator, major, minor, patch, prerelease = found.groups()
        partial = _Partial(_number(major), _number(minor), _number(patch), prerelease)
        bounds.append(_bounds(operator, partial))
        with_prereleases |= prerelease is not None
        between = _BETWEEN.match(text, found.end())
        position = between.end() if between else len(text)
    return _Group(tuple(bounds), with_prereleases)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _bounds(operator: str, partial: _Partial) -> _Bounds:
    if partial.major is None:
        if operator in ("<", ">", "!="):
            raise ValueError(f"no version satisfies {operator}*")
        return _Bounds(_LOWEST if partial.prerelease else Version(0, 0, 0), None)
    if partial.minor is None:
        partial = partial._replace(patch=None)
    low, above = partial.lowest, _above(partial)
    match operator:
        case ">":
            return _Bounds(above, None)
        case ">=" | "=>":
            return _Bounds(low, None)
        case "<":
            return _Bounds(_LOWEST, low)
        case "<=" | "=<":
            return _Bounds(_LOWEST, above)
        case "~" | "~>":
            return _Bounds(low, _next_minor(partial))
        case "^":
            return _Bounds(low, _next_breaking(partial))
        case _:
            return _Bounds(low, above, outside=operator == "!=")


def _above(partial: _Partial) -> Version:
    """The lowest version that comes after all that a partial version stands for."""
    if partial.patch is None:
        return _next_minor(partial)
    low = partial.lowest
    if low.prerelease:
        return low.replace(prerelease=f"{low.prerelease}.0")
    return _first(low.major, low.minor, low.patch + 1)


def _next_minor(partial: _Partial) -> Version:
    low = partial.lowest
    return _first(low.major + 1) if partial.minor is None else _first(low.major, low.minor + 1)


def _next_breaking(partial: _Partial) -> Version:
    low = partial.lowest
    if low.major or partial.minor is None:
        return _first(low.major + 1)
    if low.minor or partial.patch is None:
        return _first(0, low.minor + 1)
    return _first(0, 0, low.patch + 1)


def _first(major: int, minor: int = 0, patch: int = 0) -> Version:
    """The lowest version of these numbers; upper bounds keep the next one's prereleases out."""
    return Version(major, minor, patch, prerelease="0")
