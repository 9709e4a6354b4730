"""All names of one revision, as `git ls-tree` prints them, kept small.

A revision of a large repository has 10^5 names; as Python objects they would take some 40 MB, as
git's own text about 7. So the text is kept, cut into folders, and a folder becomes entries when
somebody looks at it. Pure: bytes in, entries out.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping

from shoal.errors import BudgetExceeded, SourceUnavailable, UnsafePath
from shoal.model.artifacts import Entry, EntryKind

LS_TREE = ("-r", "-t", "-z", "-l", "--full-tree")
_KEPT_FOLDERS = 64
MOST_ENTRIES = 100_000  # of one folder: read in 0.2 s of the loop; no render agrees to more
_LONGEST_LINK = 4096  # PATH_MAX: the target of a link is never longer
_SUBMODULE = b"160000 commit "
_LINE = re.compile(
    rb"(?P<mode>[0-7]{6}) [a-z]+ (?P<digest>[!-~]+) +"
    rb"(?:(?P<size>[0-9]{1,18})|-)\t(?P<name>.*)",
    re.DOTALL,
)
_KINDS = {
    b"100644": EntryKind.FILE,
    b"100755": EntryKind.FILE,
    b"100664": EntryKind.FILE,  # written by very old versions of git
    b"040000": EntryKind.FOLDER,
    b"120000": EntryKind.LINK,
    b"160000": EntryKind.OTHER,
}


class Listing:
    """The names of one tree. Reading changes a cache: one thread or loop at a time."""

    __slots__ = ("_folders", "_parsed", "digest")

    def __init__(self, digest: str, printed: bytes) -> None:
        self.digest = digest
        self._folders = _by_folder(printed)
        self._parsed: OrderedDict[str, Mapping[str, Entry]] = OrderedDict()

    def folder(self, path: str) -> Mapping[str, Entry] | None:
        """The entries of a folder by name, sorted; None when it is not a folder."""
        if path in self._parsed:
            self._parsed.move_to_end(path)
            return self._parsed[path]
        if path not in self._folders:
            return None
        self._parsed[path] = _parsed(path, self._folders[path])
        if len(self._parsed) > _KEPT_FOLDERS:
            self._parsed.popitem(last=False)
        return self._parsed[path]

    def entry(self, path: str) -> Entry | None:
        """What stands at a path; `` is the root."""
        if not path:
            return Entry("", EntryKind.FOLDER, self.digest)
        above, _, name = path.rpartition("/")
        return (self.folder(above) or {}).get(name)

    def submodules(self) -> Mapping[str, str]:
        """Path → commit, of every submodule, sorted."""
        found: dict[str, str] = {}
        for folder, lines in self._folders.items():
            if _SUBMODULE in lines:  # in a name too, but seldom
                for line in lines.split(b"\0")[:-1]:
                    if line.startswith(_SUBMODULE):
                        entry = _entry(line)
                        path = f"{folder}/{entry.name}" if folder else entry.name
                        found[path] = entry.digest
        return dict(sorted(found.items()))

    def following(self, path: str) -> Iterator[Entry]:
        """The file at a path and all files and links after it, as a walk in order meets them."""
        above, _, name = path.rpartition("/")
        start = self.entry(path)
        waiting = [(above, start)] if start else []
        while True:
            while waiting:
                folder, entry = waiting.pop()
                if entry.kind is EntryKind.FOLDER:
                    below = f"{folder}/{entry.name}" if folder else entry.name
                    waiting += self._after(below, "")
                elif entry.kind is not EntryKind.OTHER:
                    yield entry
            if name == "":
                return
            waiting = self._after(above, name)
            above, _, name = above.rpartition("/")

    def _after(self, path: str, name: str) -> list[tuple[str, Entry]]:
        """What stands in a folder after a name, the last first."""
        entries = (self.folder(path) or {}).values()
        return [(path, entry) for entry in entries if entry.name > name][::-1]


def _parsed(path: str, lines: bytes) -> Mapping[str, Entry]:
    if lines.count(b"\0") > MOST_ENTRIES:
        raise BudgetExceeded(f"folder {path or '.'} holds more than {MOST_ENTRIES} entries")
    entries = sorted(map(_entry, lines.split(b"\0")[:-1]))
    by_name = {entry.name: entry for entry in entries}
    if len(by_name) < len(entries):
        raise UnsafePath(f"folder {path or '.'} holds two entries of one name")
    return by_name


def _by_folder(printed: bytes) -> dict[str, bytes]:
    folders: dict[bytes, list[bytes]] = {b"": []}
    for line in printed.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        above, _, name = path.rpartition(b"/")
        # git itself refuses such names in an index, but a tree object can be made by hand. A folder
        # is listed before what it holds, so where it was not, the name itself holds a slash.
        if name in (b"", b".", b"..") or above not in folders:
            raise UnsafePath(f"the repository holds a file named {name!r} in {_text(above)!r}")
        folders[above].append(facts + b"\t" + name + b"\0")
        if facts.startswith(b"040000"):
            folders.setdefault(path, [])
    return {_text(path): b"".join(lines) for path, lines in folders.items()}


def _entry(line: bytes) -> Entry:
    found = _LINE.fullmatch(line)
    if found is None:
        raise SourceUnavailable("the mirror of the repository lists what cannot be read")
    kind, size = _KINDS.get(found["mode"], EntryKind.OTHER), int(found["size"] or 0)
    if kind is EntryKind.LINK and size > _LONGEST_LINK:
        kind = EntryKind.OTHER
    is_file = kind is EntryKind.FILE
    return Entry(_text(found["name"]), kind, found["digest"].decode(), size if is_file else 0)


def _text(name: bytes) -> str:
    # Never surrogates: they could not be written to a log, a trace or the database.
    return name.decode("utf-8", "backslashreplace")
