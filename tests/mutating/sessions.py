"""The pytest sessions in which mutants are tried, each in a forked process.

Most get a *warm* session: everything is imported and collected, the child gives the function its
changed code, or makes the table or the pattern anew, and runs the tests that reach the line. What
classes and functions take in at import (a default, a field, a member of an enumeration) needs a
*cold* one: the child imports everything anew with the changed module among it. Both stop at the
first test that fails.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from tests.mutating.mutants import Mutant, Source, assigned

_OPTIONS = (
    *("-s", "-p", "no:randomly", "-p", "no:cacheprovider", "-o", "addopts="),
    # Hypothesis is imported before pytest, to be told what every property shall do.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
_MARKED = ("real", "kind")


def prepare_hypothesis() -> None:
    """Properties with the same examples for every mutant, fewer, and no search for the smallest."""
    hypothesis.settings.register_profile(
        "mutating",
        derandomize=True,
        max_examples=40,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutating")


def cpu_limit(seconds: float) -> int:
    """What a mutant may use when the tests without it use so much."""
    return math.ceil(2 + 5 * seconds)


class Session:
    """A pytest plugin: collects the pure tests, and hands them to `act` instead of running them."""

    def __init__(self, act: Callable[[list[pytest.Item]], None]) -> None:
        self._act = act
        self.is_collected = False

    def run(self, paths: Sequence[str]) -> bool:
        """False when the tests could not be collected."""
        arguments = [*_OPTIONS, "--import-mode=importlib", *paths]
        return pytest.main(arguments, plugins=[self]) == 0 and self.is_collected

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not any(map(item.get_closest_marker, _MARKED))]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.is_collected = not session.testsfailed
        if self.is_collected:
            self._act(session.items)
        return True


def failing(items: Sequence[pytest.Item]) -> bool:
    """Whether one of the tests fails; those after it are not run."""
    following = [*items[1:], None]
    return any(_fails(item, after) for item, after in zip(items, following, strict=True))


def timed(item: pytest.Item, after: pytest.Item | None) -> tuple[bool, float]:
    """Whether a test fails, and the processor's seconds that it takes."""
    start = time.process_time()
    return _fails(item, after), time.process_time() - start


def _fails(item: pytest.Item, after: pytest.Item | None) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=after))


class Functions:
    """The functions of the mutated modules as they are in this process."""

    def __init__(self, paths: Sequence[Path]) -> None:
        names = {str(path) for path in paths}
        self._known: dict[tuple[str, int], list[FunctionType]] = {}
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename in names:
                head = each.__code__.co_filename, each.__code__.co_firstlineno
                self._known.setdefault(head, []).append(each)

    def change(self, source: Source, mutant: Mutant) -> None:
        """Give the mutant's function its code: whoever holds the function calls the mutant."""
        assert mutant.head is not None
        codes = {code.co_qualname: code for code in _codes(source.compiled(mutant), mutant.head)}
        for function in self._known[str(mutant.path), mutant.head]:
            function.__code__ = codes[function.__code__.co_qualname]


def can_remake(source: Source, mutant: Mutant) -> bool:
    """Make the values of the mutant's statements anew, and where they were imported by name.

    False when the mutant raises: then its module cannot be imported.
    """
    module = vars(sys.modules[source.module])
    names = [name for index in mutant.remade for name in assigned(source.tree.body[index])]
    before = {name: module[name] for name in names}
    try:
        exec(source.compiled(mutant), module)
    except Exception:  # a border: whatever a mutant may raise
        return False
    for other in [vars(each) for each in sys.modules.values() if isinstance(each, ModuleType)]:
        for name, value in before.items():
            if name in other and other[name] is value:
                other[name] = module[name]
    return True


def _codes(code: CodeType, head: int) -> list[CodeType]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    found = [each for each in inner if each.co_firstlineno == head]
    return [*found, *(each for one in inner for each in _codes(one, head))]


def failing_cold(source: Source, mutant: Mutant | None, tests: Sequence[str]) -> bool:
    """Whether one of the tests fails, or the import, when the module is imported as a mutant."""
    importer = _Importer(source, source.compiled(mutant))
    verdict: list[bool] = []

    def act(items: list[pytest.Item]) -> None:
        known = {item.nodeid: item for item in items}
        verdict.append(failing([known[test] for test in tests]))

    sys.meta_path.insert(0, importer)
    try:
        # Before pytest, whose own importer would take the module of a plugin from its file.
        importlib.import_module(source.module)
        is_collected = Session(act).run(sorted({test.partition("::")[0] for test in tests}))
    except Exception:  # a border: whatever importing a mutant may raise
        return True
    if vars(sys.modules[source.module])["__loader__"] is not importer:
        raise ImportError(f"{source.module} was not imported from its mutant")
    return not is_collected or verdict[0]


class _Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a code object."""

    def __init__(self, source: Source, code: CodeType) -> None:
        self._source = source
        self._code = code

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._source.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._source.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, vars(module))


def clear_caches(modules: Mapping[str, Path]) -> None:
    """Forget what functions remembered, so that each test reaches what it needs."""
    for name in modules:
        for value in vars(sys.modules.get(name, ModuleType(name))).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def use_slow_tracer() -> None:
    """The one of coverage's tracers that can tell tests apart."""
    os.environ["COVERAGE_CORE"] = "ctrace"
