"""Reads one file of people's documents: every document that can be read, and why others cannot.

A stream of YAML ends at its first syntax error, which would hide the documents behind it. So a
stream that cannot be read whole is cut at its `---` lines, which YAML allows nowhere else, and each
piece is read alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from shoal.documents.problems import Problem
from shoal.model.yaml import NotYaml, Path, TooMuchYaml, YamlDocument, YamlLimits, read_yaml

LIMITS = YamlLimits(bytes=4 << 20, documents=5_000, depth=64, aliased=20_000)
"""People write documents by hand: far less than manifests."""

_CUT = re.compile(rb"^(?=---(?:[ \t\r\n]|\Z))", re.MULTILINE)
_EMPTY = re.compile(rb"\A(?:---)?\s*(?:[#%][^\n]*(?:\n\s*|\Z))*\Z")


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """One document of a file, not yet known to be ours."""

    file: str
    document: YamlDocument = field(repr=False)
    offset: int = 0

    @property
    def value(self) -> Any:
        """The plain value: mappings, lists, text, numbers."""
        return self.document.value

    @property
    def line(self) -> int:
        """The line it begins at."""
        return self.document.line + self.offset

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What reading survived, such as a duplicate key: the document does not count."""
        return tuple(
            Problem(self.file, each.line + self.offset, "", each.message, next_step=each.next_step)
            for each in self.document.problems
        )

    def line_of(self, path: Path) -> int:
        """The line of a path, or of the nearest part above it that stands in the file."""
        return self.document.line_of(path) + self.offset


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file held. With `problems`, parts of it could not be read at all."""

    documents: tuple[ReadDocument, ...]
    problems: tuple[Problem, ...]


def read_documents(file: str, content: bytes) -> ReadFile:
    """Every document of a file, with the lines of all its parts; never raises."""
    try:
        whole = read_yaml(content, limits=LIMITS, with_lines=True)
    except TooMuchYaml as error:
        return ReadFile((), (_problem(file, error, 0),))
    except NotYaml:
        return _read_pieces(file, content)
    return ReadFile(tuple(ReadDocument(file, each) for each in whole), ())


def _read_pieces(file: str, content: bytes) -> ReadFile:
    documents: list[ReadDocument] = []
    problems: list[Problem] = []
    offset = 0
    for piece in _CUT.split(content):
        try:
            if not _EMPTY.match(piece):
                read = read_yaml(piece, limits=LIMITS, with_lines=True)
                documents.extend(ReadDocument(file, each, offset) for each in read)
        except NotYaml as error:
            problems.append(_problem(file, error, offset))
        offset += piece.count(b"\n")
    return ReadFile(tuple(documents), tuple(problems))


def _problem(file: str, error: NotYaml, offset: int) -> Problem:
    found = error.problem
    message = found.message if isinstance(error, TooMuchYaml) else f"not YAML: {found.message}"
    return Problem(file, found.line + offset, "", message, next_step=found.next_step)
