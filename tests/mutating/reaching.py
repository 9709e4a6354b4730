"""Which tests reach which line: all run once under coverage, each test a context of its own."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest
from tests.mutating.mutants import Mutant
from tests.mutating.processes import Job, Outcome, tried
from tests.mutating.sessions import clear_caches, timed

_LIMIT_SECONDS = 600


class TestsFail(Exception):
    """The tests must pass before mutants are made."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is reached; tests are numbers, quick ones first: their names are `tests`.

    `lines` are, for each file, the tests that reach a line; `imported` those that run at import.
    `near` are, for each module, the tests that may see what it defines at import: they reach it, or
    reach what imports it, or stand in a file that does.
    """

    tests: tuple[str, ...]
    seconds: tuple[float, ...]
    lines: Mapping[str, Mapping[int, frozenset[int]]]
    imported: Mapping[str, frozenset[int]]
    near: Mapping[str, frozenset[int]]

    def needs_import(self, mutant: Mutant) -> bool:
        """Whether the mutant must be there already when its module is imported."""
        return not mutant.remade and self._runs_at_import(mutant)

    def of(self, mutant: Mutant) -> list[int]:
        """The tests that can notice the mutant, quick ones first."""
        if self._runs_at_import(mutant):
            return sorted(self.near[mutant.module])
        return sorted(self.lines[str(mutant.path)].get(mutant.line, ()))

    def _runs_at_import(self, mutant: Mutant) -> bool:
        return mutant.head is None or mutant.line in self.imported[str(mutant.path)]

    def cost(self, tests: Iterable[int]) -> float:
        return sum(self.seconds[test] for test in tests)


def started(modules: Mapping[str, Path]) -> coverage.Coverage:
    """Coverage of these modules; to be started before they are imported."""
    measuring = coverage.Coverage(
        data_file=None, config_file=False, include=[str(path) for path in modules.values()]
    )
    measuring.start()
    return measuring


def reach(
    measuring: coverage.Coverage, items: list[pytest.Item], modules: Mapping[str, Path]
) -> Reach:
    """Run all tests in another process, so that they leave nothing in this one."""
    with tempfile.TemporaryFile() as file:

        def fails() -> bool:
            failed, found = _run(measuring, items, modules)
            pickle.dump((failed, found), file)
            file.flush()
            return bool(failed)

        job = Job("the tests as they are", fails, _LIMIT_SECONDS)
        ((_, outcome),) = tried([job], 1)
        measuring.stop()
        file.seek(0)
        failed, found = pickle.load(file) if outcome is not Outcome.TIMED_OUT else ([], None)
    if not isinstance(found, Reach) or failed:
        raise TestsFail(", ".join(failed) or outcome)
    return found


def _run(
    measuring: coverage.Coverage, items: list[pytest.Item], modules: Mapping[str, Path]
) -> tuple[list[str], Reach]:
    seconds: list[float] = []
    failed: list[str] = []
    for index, (item, after) in enumerate(zip(items, [*items[1:], None], strict=True)):
        clear_caches(modules)
        measuring.switch_context(str(index))
        is_failed, took = timed(item, after)
        seconds.append(took)
        if is_failed:
            failed.append(item.nodeid)
    measuring.stop()
    return failed, _reach_of(measuring.get_data(), items, seconds, modules)


def _reach_of(
    data: coverage.CoverageData,
    items: list[pytest.Item],
    seconds: Sequence[float],
    modules: Mapping[str, Path],
) -> Reach:
    quickest = sorted(range(len(items)), key=seconds.__getitem__)
    number = {str(index): place for place, index in enumerate(quickest)}
    lines: dict[str, dict[int, frozenset[int]]] = {}
    imported: dict[str, frozenset[int]] = {}
    for path in map(str, modules.values()):
        contexts = data.contexts_by_lineno(path)
        imported[path] = frozenset(line for line, found in contexts.items() if "" in found)
        lines[path] = {
            line: frozenset(number[each] for each in found if each)
            for line, found in contexts.items()
        }
    by_file: dict[str, set[int]] = {path: set[int]().union(*lines[path].values()) for path in lines}
    for place, index in enumerate(quickest):
        by_file.setdefault(str(items[index].path), set()).add(place)
    texts = {path: Path(path).read_text() for path in by_file}
    return Reach(
        tests=tuple(items[index].nodeid for index in quickest),
        seconds=tuple(seconds[index] for index in quickest),
        lines=lines,
        imported=imported,
        near={
            module: frozenset(
                test
                for path, tests in by_file.items()
                if path == str(own) or _imports(texts[path], module)
                for test in tests
            )
            for module, own in modules.items()
        },
    )


def _imports(text: str, module: str) -> bool:
    package, _, name = module.rpartition(".")
    return f"{module} import" in text or f"from {package} import {name}" in text
