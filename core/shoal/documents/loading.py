"""Reads all files of a fleet into valid documents and all problems, at once.

The whole of `shoal validate`, and the first half of every reload (`cataloguing` is the second). One
bad document never hides another, and everything that is known of a bad one is kept: its identity
when it has one, its file in any case, so that nothing is taken for removed because it cannot be
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from shoal.documents.depending import find_dependency_problems
from shoal.documents.doubts import find_doubts
from shoal.documents.fitting import find_unfit_parts
from shoal.documents.problems import Problem
from shoal.documents.recognising import GROUP, is_half_written, recognise
from shoal.documents.relating import (
    Identity,
    Located,
    find_dangling_sources,
    find_duplicates,
    find_missing_fleet,
    find_rival_fleets,
    is_namespaced,
)
from shoal.documents.validating import validate
from shoal.documents.walking import value_at
from shoal.documents.yaml_reading import ReadDocument, read_documents
from shoal.model.choice import Seams
from shoal.model.documents import AnyDocument, NamespacedMetadata
from shoal.model.yaml import Path

__all__ = ["Identity", "Loaded", "Located", "load"]

Problems = tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What stands in the files now.

    `warnings` are doubts about documents that are used as they are.
    `broken`: documents that are there but not valid, or there twice. `troubled`: files in which
    something could not be read, so that what is missing from them may only be hidden. Files that
    are empty or half written, and templates of charts, are troubled without being a problem: that
    they are only if they held documents before, which `merge` knows.
    """

    documents: Mapping[Identity, Located]
    problems: Problems
    warnings: Problems = ()
    files: frozenset[str] = frozenset()
    broken: Mapping[Identity, Problems] = field(default_factory=dict)
    troubled: Mapping[str, Problems] = field(default_factory=dict)


def load(files: Mapping[str, bytes], seams: Seams) -> Loaded:
    """Read files (path → content) with the models of the plugins that are there; never raises."""
    gathering = _Gathering(seams)
    for file in sorted(files):
        gathering.read_file(file, files[file])
    return gathering.finish(files)


class _Gathering:
    """What is found while the files are read one after the other."""

    def __init__(self, seams: Seams) -> None:
        self._seams = seams
        self._found: dict[Identity, list[Located]] = {}
        self._broken: dict[Identity, Problems] = {}
        self._troubled: dict[str, Problems] = {}
        self._odd: dict[str, Problems] = {}
        self._shown: list[Problem] = []
        self._read: dict[Identity, ReadDocument] = {}

    def read_file(self, file: str, content: bytes) -> None:
        if not content.strip():
            self._trouble(file, (_emptied(file),), is_shown=False)
            return
        read = read_documents(file, content)
        if read.problems:
            self._trouble(file, read.problems, is_shown=not _is_template(content))
        elif b"#" not in content and all(each.value is None for each in read.documents):
            self._odd[file] = (_emptied(file),)
        for document in read.documents:
            self._read_document(document)

    def _read_document(self, read: ReadDocument) -> None:
        kind = recognise(read)
        if kind is None:
            if is_half_written(read):
                self._odd[read.file] = (_cut_short(read),)
        elif isinstance(kind, Problem):
            self._trouble(read.file, (*read.problems, kind))
        else:
            self._judge(read, kind)

    def _judge(self, read: ReadDocument, kind: str) -> None:
        valid = validate(read, kind, self._seams)
        if isinstance(valid, list) or read.problems:
            problems = (*read.problems, *(valid if isinstance(valid, list) else ()))
            self._trouble(read.file, problems)
            if identity := _written_identity(read, kind):
                self._broken[identity] = (*self._broken.get(identity, ()), *problems)
            return
        document = cast(AnyDocument, valid)
        identity = identify(document)
        self._found.setdefault(identity, []).append(Located(document, read.file, read.line))
        self._read.setdefault(identity, read)

    def _line_of(self, identity: Identity, path: Path) -> int:
        return self._read[identity].line_of(path)

    def _trouble(self, file: str, problems: Problems, *, is_shown: bool = True) -> None:
        self._troubled[file] = (*self._troubled.get(file, ()), *problems)
        if is_shown:
            self._shown.extend(problems)

    def finish(self, files: Mapping[str, bytes]) -> Loaded:
        broken = {**find_duplicates(self._found), **self._broken}
        documents = {each: self._found[each][0] for each in self._found if each not in broken}
        broken |= find_rival_fleets(documents)
        documents = {each: documents[each] for each in documents if each not in broken}
        # A Fleet may well stand in what cannot be read: that is said there, and not again here.
        has_fleet = any(each.kind == "Fleet" for each in (*documents, *broken)) or any(
            b"Fleet" in files[file] for file in self._troubled
        )
        problems = {
            *self._shown,
            *(problem for each in broken.values() for problem in each),
            *find_missing_fleet(has_fleet=has_fleet, has_documents=bool(documents or broken)),
            *find_dangling_sources(documents, broken, self._line_of),
            *find_dependency_problems(documents, broken, self._line_of),
            *(
                problem
                for identity, each in documents.items()
                for problem in find_unfit_parts(identity, each, self._line_of)
            ),
        }
        return Loaded(
            documents,
            tuple(sorted(problems)),
            tuple(sorted(find_doubts(documents, self._line_of))),
            frozenset(files),
            broken,
            {**self._odd, **self._troubled},
        )


def identify(document: AnyDocument) -> Identity:
    """The identity of a valid document."""
    metadata = document.metadata
    namespace = metadata.namespace if isinstance(metadata, NamespacedMetadata) else ""
    return Identity(document.kind, namespace, document.metadata.name)


def _written_identity(read: ReadDocument, kind: str) -> Identity | None:
    """The identity of a document that is not valid, if it at least has a name."""
    name = value_at(read.value, ("metadata", "name"))
    namespace = value_at(read.value, ("metadata", "namespace"))
    if not isinstance(name, str):
        return None
    return Identity(kind, str(namespace or "default") if is_namespaced(kind) else "", name)


def _emptied(file: str) -> Problem:
    """Who wants documents gone removes the file, or comments them out; this is half written."""
    return Problem(
        file, 1, "", "the file is empty", next_step="remove it if its documents are to go"
    )


def _cut_short(read: ReadDocument) -> Problem:
    """What a copy that ended early leaves behind is no sign that anybody removed it."""
    return Problem(
        read.file,
        read.line,
        "",
        "the document ends before it says of which kind it is",
        next_step="write it whole, or remove the file if its documents are to go",
    )


def _is_template(content: bytes) -> bool:
    """A chart's template is not YAML, and not meant for us; it may well lie in the same folder."""
    return b"{{" in content and GROUP.encode() not in content
