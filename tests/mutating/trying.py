"""Trying all mutants: the warm ones in the session that found what reaches them, then the cold.

This process imports nothing of what is mutated, so that a child of it can import a mutant.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NoReturn

import pytest
from tests.mutating.mutants import Mutant, Source
from tests.mutating.processes import Broken, Job, Outcome, silence, tried
from tests.mutating.reaching import Reach, TestsFail, reach, started
from tests.mutating.sessions import (
    Functions,
    Session,
    can_remake,
    cpu_limit,
    failing,
    failing_cold,
    prepare_hypothesis,
    use_slow_tracer,
)

_DEAR = ("aiohttp", "cryptography.x509", "hypothesis.strategies", "jsonpatch", "pydantic", "rich")
"""What every cold session imports, slowly: here it is imported for all of them."""

_IMPORT_SECONDS = 4
"""What a cold session uses before its first test."""

Result = tuple[Mutant, Outcome]


def outcomes(
    sources: Mapping[str, Source], mutants: Sequence[Mutant], tests: Sequence[str], workers: int
) -> Iterator[Result]:
    """The outcome of each mutant, as it comes.

    Raises TestsFail when a test fails without a mutant, Broken when no test could be run.
    """
    prepare_hypothesis()
    use_slow_tracer()
    ours, theirs = Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _serve_warm(theirs, sources, mutants, tests, workers)
    theirs.close()
    try:
        known = yield from _received(ours, mutants)
    finally:
        os.kill(pid, signal.SIGINT)  # it is over, or it shall be
        os.waitpid(pid, 0)
    yield from _cold(known, sources, [one for one in mutants if known.needs_import(one)], workers)


def _received(pipe: Connection, mutants: Sequence[Mutant]) -> Iterator[Result]:
    """What the warm session says, and what reaches what at the end of it."""
    known: Reach | None = None
    while True:
        try:
            said = pipe.recv()
        except EOFError:
            break
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Reach):
            known = said
        else:
            yield mutants[said[0]], said[1]
    if known is None:
        raise Broken("the tests could not be collected: run pytest to see why")
    return known


def _serve_warm(
    pipe: Connection,
    sources: Mapping[str, Source],
    mutants: Sequence[Mutant],
    tests: Sequence[str],
    workers: int,
) -> NoReturn:
    """Say what reaches what, then the number and the outcome of each mutant, or what went wrong."""
    os.setpgid(0, 0)  # an interrupt of the terminal reaches the parent alone, which passes it on
    modules = {name: source.path for name, source in sources.items()}
    measuring = started(modules)

    def act(items: list[pytest.Item]) -> None:
        try:
            known = reach(measuring, items, modules)
            pipe.send(known)
            by_name = {item.nodeid: item for item in items}
            ordered = [by_name[name] for name in known.tests]
            for found in _warm(known, sources, mutants, ordered, workers):
                pipe.send(found)
        except (Broken, TestsFail) as error:
            pipe.send(error)

    try:
        with silence():
            Session(act).run(tests)
    finally:
        os._exit(0)


def _warm(
    known: Reach,
    sources: Mapping[str, Source],
    mutants: Sequence[Mutant],
    items: Sequence[pytest.Item],
    workers: int,
) -> Iterator[tuple[int, Outcome]]:
    functions = Functions([source.path for source in sources.values()])

    def fails(mutant: Mutant, tests: Sequence[int]) -> bool:
        if not mutant.remade:
            functions.change(sources[mutant.module], mutant)
        elif not can_remake(sources[mutant.module], mutant):
            return True
        return failing([items[test] for test in tests])

    jobs: list[Job[Mutant]] = []
    number = {mutant: index for index, mutant in enumerate(mutants)}
    for mutant in mutants:
        if known.needs_import(mutant):
            continue
        tests = known.of(mutant)
        if tests:
            jobs.append(Job(mutant, partial(fails, mutant, tests), cpu_limit(known.cost(tests))))
        else:
            yield number[mutant], Outcome.UNREACHED
    gc.collect()
    gc.freeze()  # what a child never touches stays shared with it
    for mutant, outcome in tried(jobs, workers):
        yield number[mutant], outcome


def _cold(
    known: Reach, sources: Mapping[str, Source], mutants: Sequence[Mutant], workers: int
) -> Iterator[Result]:
    for name in _DEAR:
        importlib.import_module(name)
    for module in sorted({mutant.module for mutant in mutants}):
        own = [mutant for mutant in mutants if mutant.module == module]
        yield from _cold_of(known, sources[module], own, workers)


def _cold_of(
    known: Reach, source: Source, mutants: Sequence[Mutant], workers: int
) -> Iterator[Result]:
    """The outcomes in one module, after a trial without a mutant, which must survive."""
    tests = known.of(mutants[0])
    if not tests:
        yield from ((mutant, Outcome.UNREACHED) for mutant in mutants)
        return
    names = [known.tests[test] for test in tests]
    seconds = cpu_limit(known.cost(tests) + _IMPORT_SECONDS)

    def job(mutant: Mutant | None) -> Job[Mutant | None]:
        return Job(mutant, partial(failing_cold, source, mutant, names), seconds)

    for mutant, outcome in tried([job(None), *map(job, mutants)], workers):
        if mutant is not None:
            yield mutant, outcome
        elif outcome is not Outcome.SURVIVED:
            raise Broken(f"{source.module}: its tests fail although nothing in it was changed")
