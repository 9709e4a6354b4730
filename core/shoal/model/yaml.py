"""YAML as Kubernetes tools read it, with line numbers and bounds: the one YAML reader of Shoal.

`shoal.documents` reads people's documents with it: it needs the meaning of a scalar that Kubernetes
gives it (see `scalars`), duplicate keys refused, and no way to blow up the process by depth or by
aliases. (Manifests are read by the render worker, with Kubernetes' own library.) It walks libyaml's
events once and builds plain values from them; an alias is the very object it names, so values are
never changed in place. Explicit keys win over merged ones wherever `<<` stands, as the YAML merge
specification says (go-yaml v2 lets a later `<<` win). Tests compare it with that library, and list
where else the two may part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yaml import (
    AliasEvent,
    CSafeLoader,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    MarkedYAMLError,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml.reader import ReaderError

from shoal.model.scalars import BadScalar, json_value, key_text, read_scalar

Path = tuple[str | int, ...]

_MERGE_TAG = "tag:yaml.org,2002:merge"
_TAB_INDENT = re.compile(r"^[ ]*\t")
_NEXT_STEPS = {
    "mapping values are not allowed in this context": "indent it like its neighbours, "
    "or quote the value if it holds a colon",
    "could not find expected ':'": "every line of a mapping reads `key: value`",
    "found character that cannot start any token": "quote the value",
}


@dataclass(frozen=True, slots=True)
class YamlLimits:
    """How much YAML is read at most. `aliased` counts the values that aliases stand for."""

    bytes: int = 16 << 20
    documents: int = 10_000
    depth: int = 100
    aliased: int = 100_000


DEFAULT_LIMITS = YamlLimits()


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """What is wrong at a line. Never holds a value, only keys and anchors."""

    line: int
    message: str
    next_step: str = ""


class NotYaml(Exception):
    """The text is not YAML from this line on."""

    def __init__(self, problem: YamlProblem) -> None:
        super().__init__(f"line {problem.line}: {problem.message}")
        self.problem = problem


class TooMuchYaml(NotYaml):
    """A limit was passed; reading stopped there."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a stream. `lines` is empty unless it was asked for.

    `problems` are those that reading survived (a duplicate key, a bad number): the value is then
    for looking at only.
    """

    value: Any = field(repr=False)
    line: int
    lines: Mapping[Path, int] = field(default_factory=dict, repr=False)
    problems: tuple[YamlProblem, ...] = ()

    def line_of(self, path: Path) -> int:
        """The line of a path, or of the nearest part above it that stands in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)


def read_yaml(
    content: bytes, *, limits: YamlLimits = DEFAULT_LIMITS, with_lines: bool = False
) -> list[YamlDocument]:
    """All documents that are not empty. Raises NotYaml at the first line that cannot be read."""
    if len(content) > limits.bytes:
        raise TooMuchYaml(YamlProblem(1, f"larger than {limits.bytes} bytes", "split the file"))
    text = _decode(content)
    reader = _Reader(text, limits, with_lines)
    try:
        return reader.read_stream()
    except YAMLError as error:
        raise NotYaml(_explain(error, text)) from error


class _Open:
    """Stands for a node that has begun and not ended; each is another one."""


class _Reader:
    """The walk over one stream of events; keeps the anchors and counts of one document."""

    def __init__(self, text: str, limits: YamlLimits, with_lines: bool) -> None:
        self._text = text
        self._parser = CSafeLoader(text)
        self._limits = limits
        self._with_lines = with_lines
        self._lines: dict[Path, int] = {}
        self._problems: list[YamlProblem] = []
        # By name the node that began last: its value and size, or an _Open one.
        self._anchors: dict[str, tuple[Any, int] | _Open] = {}
        self._nodes = 0
        self._aliased = 0

    def read_stream(self) -> list[YamlDocument]:
        documents: list[YamlDocument] = []
        while not isinstance(event := self._parser.get_event(), StreamEndEvent):
            if not isinstance(event, DocumentStartEvent):
                continue
            if event.version not in (None, (1, 1)):
                message = "%YAML names another version than 1.1, which Kubernetes tools refuse"
                raise NotYaml(YamlProblem(_line(event), message, "leave the directive out"))
            document = self._read_document()
            if document.value is None and not document.problems:
                continue
            if len(documents) == self._limits.documents:
                message = f"more than {self._limits.documents} documents"
                raise TooMuchYaml(YamlProblem(document.line, message, "split the file"))
            documents.append(document)
        return documents

    def _read_document(self) -> YamlDocument:
        self._lines, self._problems = {}, []
        self._anchors.clear()
        event = self._parser.get_event()
        line = _line(event)
        value = self._read_value(event, (), 0)
        return YamlDocument(value, line, self._lines, tuple(self._problems))

    def _read_value(self, event: Any, path: Path, depth: int) -> Any:
        value = self._read_node(event, path, depth)
        try:
            return json_value(value) if isinstance(value, float) else value
        except BadScalar as error:
            self._problems.append(YamlProblem(_line(event), str(error)))
            return None

    def _read_node(self, event: Any, path: Path, depth: int) -> Any:
        """A value, or a float of which it is not known yet whether it is a key."""
        self._nodes += 1
        if isinstance(event, ScalarEvent):
            value = self._read_scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (value, 1)
            return value
        if isinstance(event, AliasEvent):
            return self._read_alias(event)
        if depth == self._limits.depth:
            message = f"nested deeper than {self._limits.depth} levels"
            raise TooMuchYaml(YamlProblem(_line(event), message))
        return self._read_collection(event, path, depth)

    def _read_collection(self, event: Any, path: Path, depth: int) -> Any:
        before, anchor, mark = self._nodes, event.anchor, _Open()
        if anchor:
            self._anchors[anchor] = mark
        value: Any
        if isinstance(event, SequenceStartEvent):
            value = self._read_sequence(path, depth + 1)
        else:
            assert isinstance(event, MappingStartEvent)
            value = self._read_mapping(event, path, depth + 1)
        # An anchor of the same name inside began later, and stays.
        if anchor and self._anchors[anchor] is mark:
            self._anchors[anchor] = (value, self._nodes - before + 1)
        return value

    def _read_scalar(self, event: ScalarEvent) -> Any:
        if event.tag and self._is_cut_short(event):
            message = "a comma follows a tag at once, which go-yaml takes for a part of the tag"
            self._problems.append(YamlProblem(_line(event), message, "put a blank between them"))
        try:
            return read_scalar(event.value, _tag(event), is_plain=event.implicit[0])
        except BadScalar as error:
            self._problems.append(YamlProblem(_line(event), str(error)))
            return None

    def _is_cut_short(self, event: ScalarEvent) -> bool:
        """Whether a comma stands where an empty scalar ends, and nothing between."""
        assert event.end_mark is not None
        is_empty = not event.value and not event.style
        return is_empty and self._text.startswith(",", event.end_mark.index)

    def _read_alias(self, event: AliasEvent) -> Any:
        found = self._anchors.get(str(event.anchor))
        if found is None:
            raise NotYaml(YamlProblem(_line(event), f"there is no anchor {event.anchor} above"))
        if isinstance(found, _Open):
            raise NotYaml(YamlProblem(_line(event), f"anchor {event.anchor} contains itself"))
        value, nodes = found
        self._nodes += nodes
        self._aliased += nodes
        if self._aliased > self._limits.aliased:
            message = f"aliases stand for more than {self._limits.aliased} values"
            raise TooMuchYaml(YamlProblem(_line(event), message, "write the values out"))
        return value

    def _read_sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._parser.get_event(), SequenceEndEvent):
            below = path
            if self._with_lines:
                below = (*path, len(items))
                self._lines[below] = _line(event)
            items.append(self._read_value(event, below, depth))
        return items

    def _read_mapping(self, start: MappingStartEvent, path: Path, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        merged: Any = None
        keys: set[str] = set()
        while not isinstance(event := self._parser.get_event(), MappingEndEvent):
            is_merge = _is_merge(event)
            key = self._read_merge_key(event) if is_merge else self._read_key(event, depth)
            below = (*path, key) if self._with_lines else path
            if self._with_lines:
                self._lines.setdefault(below, _line(event))
            of_value = self._parser.get_event()
            value = self._read_value(of_value, below, depth)
            if (name := "<<merge" if is_merge else key) in keys:
                self._problems.append(YamlProblem(_line(event), f"the key {key} stands here twice"))
            keys.add(name)
            if is_merge:
                is_several = isinstance(of_value, SequenceStartEvent)
                merged = self._merged(value if is_several else [value], _line(event))
            else:
                mapping.setdefault(key, value)
        return {**merged, **mapping} if merged else mapping

    def _read_key(self, event: Any, depth: int) -> str:
        line = _line(event)
        value = self._read_node(event, (), depth)
        try:
            if isinstance(value, list | dict):
                raise BadScalar("a key must be text, not a list or a mapping")
            return key_text(value)
        except BadScalar as error:
            self._problems.append(YamlProblem(line, str(error)))
            return ""

    def _read_merge_key(self, event: Any) -> str:
        if event.anchor:
            self._anchors[event.anchor] = ("<<", 1)
        return "<<"

    def _merged(self, values: list[Any], line: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for each in values:
            if not isinstance(each, dict):
                self._problems.append(
                    YamlProblem(line, "<< needs an alias of a mapping, or a list of them")
                )
                continue
            merged = {**each, **merged}
        return merged


def _is_merge(event: Any) -> bool:
    if not isinstance(event, ScalarEvent) or event.value != "<<":
        return False
    return event.tag == _MERGE_TAG or (event.tag in (None, "!") and event.implicit[0])


def _tag(event: ScalarEvent) -> str | None:
    # `! x`, the non-specific tag, is text by definition.
    return "tag:yaml.org,2002:str" if event.tag == "!" else event.tag


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotYaml(YamlProblem(line, "not UTF-8 text", "save the file as UTF-8")) from error


def _explain(error: YAMLError, text: str) -> YamlProblem:
    """What libyaml found, with the tab named where a tab is the cause."""
    if isinstance(error, ReaderError):
        line = text.encode()[: error.position].count(b"\n") + 1
        return YamlProblem(line, "a control character stands in the text", "remove it")
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return YamlProblem(1, "not readable")
    last = error.problem_mark.line
    first = error.context_mark.line if error.context_mark is not None else last
    lines = text.split("\n")
    for number in range(max(0, first - 1), min(last + 1, len(lines))):
        if _TAB_INDENT.match(lines[number]):
            return YamlProblem(number + 1, "a tab stands in the indentation", "use spaces")
    problem = str(error.problem)
    message = f"{error.context}: {problem}" if error.context else problem
    # What a flow or a quote lacks is told best where it was opened.
    line = first if re.search("flow|quoted", str(error.context)) else last
    # Where something is missing at the end, libyaml names the line behind the last one.
    line = min(line, text.rstrip().count("\n"))
    return YamlProblem(line + 1, message, _NEXT_STEPS.get(problem, ""))
