"""Whatever one application renders, or does not come to an end with: the others go on."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import replace

import anyio
import pytest

from shoal.binaries import locate
from shoal.engine.folders import GuardedFolder
from shoal.errors import BudgetExceeded, InvalidManifest, PluginFailed, UnsafePath
from shoal.model.trees import MemoryTree
from shoal.testing.facts import make_facts
from shoal_plugins.rendering.helm import HelmRenderer, HelmSpec
from shoal_plugins.rendering.program import worker_program
from shoal_plugins.rendering.worker import Job, Workers

PROGRAM = worker_program()
CHART = {"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"}
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"
LOOPS = """{{- define "again" }}{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}
{{- end }}{{ include "again" . }}"""
GROWS = '{{ $x := "0123456789abcdef" }}{{ range until 64 }}{{ $x = print $x $x }}{{ end }}{{ $x }}'

AT_ONCE = '{{ repeat 2000000000 "0123456789" }}'
RECURSES = "{{ tpl .Values.again . }}"


def chart(template: str) -> MemoryTree:
    return MemoryTree({**CHART, "web/templates/a.yaml": template})


@pytest.fixture
def render(host):
    """Renders a chart with a pool."""

    async def rendered(workers, tree, host=host, **parameters):
        folder = GuardedFolder(tree, "web")
        renderer = HelmRenderer(workers)
        return await renderer.render(HelmSpec(**parameters), folder, make_facts(), host)

    return rendered


async def test_a_template_without_end_is_stopped_and_its_neighbours_go_on(render):
    workers = Workers(PROGRAM)
    workers.budget = replace(workers.budget, seconds=1.0)
    outcomes: list[str] = []

    async def looping():
        with pytest.raises(BudgetExceeded, match="took longer than 1 s"):
            await render(workers, chart(LOOPS))
        outcomes.append("stopped")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(looping)
        for _ in range(20):
            (made,) = await render(workers, chart(MAP.format("a")))
            outcomes.append(made.key.name)

    assert outcomes.count("a") == 20
    assert outcomes[-1] == "stopped"


@pytest.mark.parametrize("template", [GROWS, AT_ONCE, RECURSES])
async def test_a_template_that_takes_all_memory_is_told_so(render, host, template):
    workers, small = Workers(PROGRAM), replace(host, render_memory_mib=256)

    with pytest.raises(BudgetExceeded, match="more than 256 MiB of memory"):
        await render(workers, chart(template), host=small, values={"again": RECURSES})

    assert [each.key.name for each in await render(workers, chart(MAP.format("a")))] == ["a"]


async def test_a_worker_killed_in_the_middle_is_replaced_and_the_render_begun_anew(host):
    workers = Workers(PROGRAM)
    tree = _Killing({"a.yaml": MAP.format("a"), "kustomization.yaml": "resources: [a.yaml]\n"})
    tree.kills = lambda: _kill(workers, 1)

    (made,) = await _built(workers, tree, host)

    assert made.key.name == "a"
    assert workers.starts == 2


async def test_a_worker_that_is_killed_again_and_again_fails_its_render_only(host):
    workers = Workers(PROGRAM)
    tree = _Killing({"a.yaml": MAP.format("a"), "kustomization.yaml": "resources: [a.yaml]\n"})
    tree.kills = lambda: _kill(workers, 99)

    with pytest.raises(PluginFailed, match="ended twice while it rendered"):
        await _built(workers, tree, host)

    tree.kills = lambda: None
    assert len(await _built(workers, tree, host)) == 1


async def test_a_worker_that_went_to_rest_is_started_anew(render):
    workers = Workers(PROGRAM)
    await render(workers, chart(MAP.format("a")))
    (resting,) = workers.waiting
    resting.process.terminate()
    await resting.process.wait()

    (made,) = await render(workers, chart(MAP.format("b")))

    assert made.key.name == "b"


async def test_a_cancelled_render_leaves_no_process(render):
    workers = Workers(PROGRAM)

    with anyio.move_on_after(0.5):
        await render(workers, chart(LOOPS))

    assert workers.starts == 1
    assert (workers.waiting, workers.busy) == ([], [])


async def test_nothing_of_one_render_reaches_another(render):
    workers = Workers(PROGRAM)
    helper = '{{ define "name" }}mine{{ end }}' + MAP.format('{{ include "name" . }}')
    await render(workers, chart(helper), values={"secret": "canary-5f1d"})

    with pytest.raises(InvalidManifest, match=r"templates/a\.yaml:3"):
        await render(workers, chart(MAP.format('{{ include "name" . }}')))
    (made,) = await render(workers, chart(MAP.format('{{ .Values.secret | default "none" }}')))

    assert made.key.name == "none"
    assert workers.starts == 1


async def test_a_guard_of_the_folder_says_why_a_render_ended(host, workers):
    files = {"kustomization.yaml": "resources: [a.yaml]\n"}
    folder = GuardedFolder(MemoryTree(files, links={"a.yaml": "../secret"}), "")

    with pytest.raises(UnsafePath, match="leads out of the source"):
        await workers.render(Job("kustomize", {}), folder, make_facts(), host)


async def test_the_worker_sees_no_environment(host, workers):
    await workers.render(Job("plain", {}, [("a.yaml", b"")]), _empty(), make_facts(), host)
    (resting,) = workers.waiting
    environment = anyio.Path(f"/proc/{resting.process.pid}/environ")

    seen = await environment.read_bytes()
    assert seen.split(b"\0")[:-1] == [b"HOME=/nonexistent", b"GOTRACEBACK=none"]


async def test_a_worker_ends_when_its_controller_is_gone():
    program = await locate(PROGRAM)
    worker = await anyio.open_process([program])
    assert worker.stdin is not None
    await worker.stdin.aclose()

    with anyio.fail_after(10):
        assert await worker.wait() == 0
    await worker.aclose()


class _Killing(MemoryTree):
    """A tree that does something when its files are read."""

    def kills(self) -> None:
        """Nothing yet."""

    async def read(self, path):
        self.kills()
        return await super().read(path)


def _kill(workers: Workers, times: int) -> None:
    if workers.starts <= times:
        for worker in workers.busy:
            with suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGKILL)


async def _built(workers, tree, host):
    folder = GuardedFolder(tree, "")
    return await workers.render(Job("kustomize", {}), folder, make_facts(), host)


def _empty() -> GuardedFolder:
    return GuardedFolder(MemoryTree({}), "")
