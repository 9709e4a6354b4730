"""The file that configures a controller: where it is looked for, and what is written in it.

It is read like the documents of a fleet: by the same YAML reader, all problems at once, each with
its line and the name that was probably meant. Its kind, `Configuration`, is none that a fleet may
hold, so that neither is ever taken for the other. Reading never raises: at a start the command says
the problems and ends, and a controller that runs keeps what it has.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from shoal.composition.settings import BESIDE, LOOKS, Settings, table
from shoal.documents import Problem
from shoal.documents.recognising import CONFIGURATION
from shoal.documents.validating import validate_as
from shoal.documents.yaml_reading import ReadDocument, read_documents

VARIABLE = "SHOAL_CONFIG"
_NAME = "config.yaml"
_MOST_BYTES = 1 << 20


Mark = tuple[int, ...]


class Configuration(Settings):
    """What a controller is told, as a file. Every field may be left out."""

    api_version: Literal["shoal.dev/v1alpha1"] = Field(description="Always shoal.dev/v1alpha1.")
    kind: Literal["Configuration"] = Field(description="Always Configuration.")


BESIDE_DOCUMENTS = {CONFIGURATION: Configuration}
"""Kinds that people write and no fleet holds, for `shoal explain` and `shoal schema`."""


class Written(NamedTuple):
    """One value of the file, and the line it stands at."""

    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """What was in the file when it was read; with `problems`, its values do not count.

    `mark` is its fingerprint at that moment; `owner` is the user (uid) that the file belongs to,
    None when there is no file.
    """

    path: Path
    values: Mapping[str, Written] = field(default_factory=dict[str, Written])
    problems: tuple[Problem, ...] = ()
    mark: Mark = ()
    owner: int | None = None


def default_places() -> tuple[Path, Path]:
    """Where a configuration is looked for when none is named: the user's, then the machine's."""
    import platformdirs  # 20 ms, and not needed when the file is named

    return platformdirs.user_config_path("shoal") / _NAME, Path("/etc/shoal") / _NAME


def find_file(named: Path | None) -> Path | None:
    """The file that counts: the one named, else the first default place that has one."""
    if named is not None:
        return named.absolute()
    return next(filter(_may_be_there, default_places()), None)


def _may_be_there(place: Path) -> bool:
    """Whether there is something, also where nobody may look: reading it says why not."""
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def file_of(environment: Mapping[str, str]) -> ConfigurationFile | None:
    """The file that a controller would read that is started here; None when there is none."""
    path = find_file(named_by(environment))
    return None if path is None else read_file(path)


def named_by(environment: Mapping[str, str]) -> Path | None:
    """The file that the variable names."""
    named = environment.get(VARIABLE)
    return Path(named) if named else None


def fingerprint(path: Path) -> Mark:
    """Is another one when the file was changed or replaced; empty when it is not there.

    Of what the path leads to: a mounted ConfigMap is changed by turning a link.
    """
    try:
        return _mark(path.stat())
    except OSError:
        return ()


def _mark(found: os.stat_result) -> Mark:
    # The time of its last change of any sort: who may write it counts as well.
    return (found.st_dev, found.st_ino, found.st_ctime_ns)


def read_file(path: Path) -> ConfigurationFile:
    """What is written, or every problem of it; never raises."""
    try:
        with path.open("rb") as stream:
            about = os.fstat(stream.fileno())
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        problem = _problem(
            path,
            f"it cannot be read: {error.strerror}",
            next_step=f"make it readable, or name another one by --config or {VARIABLE}",
        )
        return ConfigurationFile(path, problems=(problem,))
    mark = _mark(about)
    if about.st_mode & stat.S_IWOTH:
        problem = _problem(
            path,
            "everybody on this machine may write it, and it says which code is loaded and run",
            next_step=f"chmod o-w {path}",
        )
        return ConfigurationFile(path, problems=(problem,), mark=mark, owner=about.st_uid)
    values, problems = _read(path, content)
    return ConfigurationFile(path, values, problems, mark, about.st_uid)


def _read(path: Path, content: bytes) -> tuple[Mapping[str, Written], tuple[Problem, ...]]:
    if len(content) > _MOST_BYTES:
        return {}, (_problem(path, f"it is larger than {_MOST_BYTES >> 20} MiB"),)
    read = read_documents(str(path), content)
    found = [each for each in read.documents if each.value is not None]
    if read.problems:
        return {}, read.problems
    if len(found) != 1:
        what = "more than one document" if found else "nothing"
        expected = "one document with apiVersion, kind: Configuration and settings"
        return {}, (_problem(path, f"there is {what} in it", expected=expected),)
    return _validated(path, found[0])


def _validated(
    path: Path, document: ReadDocument
) -> tuple[Mapping[str, Written], tuple[Problem, ...]]:
    if not isinstance(document.value, Mapping):
        return {}, (_problem(path, "it is not a mapping", line=document.line),)
    valid = validate_as(
        Configuration, document, {}, **{BESIDE: path.absolute().parent, LOOKS: True}
    )
    problems = (*document.problems, *(valid if isinstance(valid, list) else ()))
    if problems or isinstance(valid, list):
        return {}, tuple(sorted(problems))
    written = {
        name: Written(getattr(valid, name), document.line_of((entry.field,)))
        for name, entry in table().items()
        if name in valid.model_fields_set
    }
    return written, ()


def _problem(
    path: Path, message: str, *, line: int = 0, expected: str = "", next_step: str = ""
) -> Problem:
    return Problem(str(path), line, "", message, expected, next_step=next_step)
