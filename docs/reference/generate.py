"""Writes the reference pages from the code: `python docs/reference/generate.py`.

Commands from click, settings from their table, documents from the models of the installed plugins,
hooks from their specifications and Protocols, metrics and spans from their tables; and the list of
decisions from their titles. A test fails when a page is not what this writes.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shoal import hooks
from shoal.cli.root import shoal as root
from shoal.cli.schema_writing import schema_text
from shoal.composition.configuration_file import BESIDE_DOCUMENTS
from shoal.composition.loading import Plugins, load_plugins
from shoal.composition.settings import table
from shoal.documents.explaining import shown
from shoal.documents.schema import schemas
from shoal.hooks import specs
from shoal.model.choice import CHOICE
from shoal.model.documents import KINDS
from shoal.model.holds import HoldCause
from shoal.model.records import Deed
from shoal.telemetry.measures import METRICS
from shoal.telemetry.names import ATTRIBUTES, SPANS
from shoal_clusters.counting import METRICS as METRICS_OF_CLUSTERS

FOLDER = Path(__file__).parent
HEAD = "<!-- Written by docs/reference/generate.py; change the code, not this page. -->\n"


def pages() -> dict[str, str]:
    """File name → content."""
    plugins = load_plugins()
    return {
        "configuration.md": HEAD + "\n".join(_configuration()),
        "commands.md": HEAD + "\n".join(_commands(plugins)),
        "documents.md": HEAD + "\n".join(_documents(plugins)),
        "hooks.md": HEAD + "\n".join(_hooks()),
        "telemetry.md": HEAD + "\n".join(_telemetry()),
        "words.md": HEAD + "\n".join(_words()),
        "../adr/index.md": HEAD + "\n".join(_decisions()) + "\n",
        **{
            f"schema/{name}.json": schema_text(schema)
            for name, schema in schemas(plugins.seams, BESIDE_DOCUMENTS).items()
        },
    }


def _commands(plugins: Plugins) -> Iterator[str]:
    yield "# Commands\n"
    yield "Every command takes `--help`. Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 failed,"
    yield "4 not found, 5 not allowed, 6 no answer (or not from all clusters), 7 timeout, 130"
    yield "interrupted, 141 unread (a closed pipe, as in `| head -1`).\n"
    context = click.Context(root, info_name="shoal")
    for name in sorted(root.list_commands(context)):
        command = root.get_command(context, name)
        assert command is not None
        yield from _command(command, click.Context(command, info_name=name, parent=context))


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _command(inner, click.Context(inner, info_name=name, parent=context))
        return
    usage = command.get_usage(context).removeprefix("Usage: ")
    yield f"## {context.command_path}\n\n```\n{usage}\n```\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        yield "| option | meaning |\n|---|---|"
        yield from (_option(each, context) for each in options if not each.hidden)
        yield ""


def _option(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None
    names, meaning = record
    return f"| `{_cell(names)}` | {_cell(meaning)} |"


def _configuration() -> Iterator[str]:
    yield "# Configuration\n"
    yield "What a controller can be told: [how, and which counts](../operations/configuration.md)."
    yield "A setting whose effect is Live is taken over without a restart when the file changes."
    yield "A list is a flag that can be repeated, and a variable with spaces between its values."
    yield "Durations are written as `30s`, `5m`, `1h30m`, `7d` (a day has 24 hours).\n"
    for entry in table().values():
        yield f"## {entry.field}\n\n{entry.about}\n"
        yield "| file | flag | variable | default | effect |\n|---|---|---|---|---|"
        shown = f"`{entry.default}`" if entry.default not in (None, "", ()) else ""
        flag = _cell(f"{entry.flag} {entry.metavar}".rstrip())
        effect = "Live" if entry.is_live else "Restart"
        yield f"| `{entry.field}` | `{flag}` | `{entry.variable}` | {shown} | {effect} |\n"


def _documents(plugins: Plugins) -> Iterator[str]:
    yield "# Documents\n"
    yield "Every document has `apiVersion: shoal.dev/v1alpha1`, a `kind` and `metadata`. Durations"
    yield "are written as `30s`, `5m`, `1h30m`, `7d` (a day has 24 hours)."
    yield "Where a plugin is chosen, the key is its name.\n"
    seen: set[type[BaseModel]] = set()
    for kind in KINDS.values():
        yield from _model(kind, seen)
    for seam, found in plugins.seams.items():
        for name, spec in sorted(found.items()):
            yield f"## {seam} `{name}`\n\n{inspect.getdoc(spec)}\n"
            yield from _fields(spec)


def _model(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    if model in seen:
        return
    seen.add(model)
    yield f"## {model.__name__}\n\n{inspect.getdoc(model)}\n"
    yield from _fields(model)
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            yield from _model(inner, seen)


def _fields(model: type[BaseModel]) -> Iterator[str]:
    yield "| field | required | meaning |\n|---|---|---|"
    for name, field in model.model_fields.items():
        meaning = field.description or f"Always {get_args(field.annotation)[0]}."
        shown_name = "*a plugin's name*" if name == CHOICE else f"`{field.alias or name}`"
        yield f"| {shown_name} | {_default(field)} | {_cell(meaning)} |"
    yield ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "yes"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, BaseModel) or value in ((), {}, ""):
        return "no"
    return f"`{shown(value)}`"


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _hooks() -> Iterator[str]:
    yield f"# Hooks and seams\n\n{inspect.getdoc(hooks)}\n\n{inspect.getdoc(specs)}\n"
    for name, hook in inspect.getmembers(specs, inspect.isfunction):
        if name.startswith("shoal_"):
            yield f"## {name}\n\n{inspect.getdoc(hook)}\n"
            yield f"```python\n{name}{_signature(hook)}\n```\n"
    for found in pkgutil.iter_modules(hooks.__path__):
        module = import_module(f"{hooks.__name__}.{found.name}")
        if module is not specs:
            yield from _nouns(module)


def _nouns(module: ModuleType) -> Iterator[str]:
    yield f"# {module.__name__}\n\n{inspect.getdoc(module)}\n"
    for name, noun in inspect.getmembers(module, inspect.isclass):
        if noun.__module__ != module.__name__:
            continue
        yield f"## {name}\n\n{inspect.getdoc(noun)}\n"
        for method, function in vars(noun).items():
            function = function.fget if isinstance(function, property) else function
            is_public = not method.startswith("_") or method == "__call__"
            if is_public and inspect.isfunction(function):
                yield f"### {name}.{method}\n\n```python\n{method}{_signature(function)}\n```\n"
                yield f"{inspect.getdoc(function)}\n"


def _signature(function: Any) -> str:
    """As it is written in the source, which reads better than resolved types."""
    return str(inspect.signature(function)).replace("'", "")


def _telemetry() -> Iterator[str]:
    yield "# Metrics and spans\n"
    yield "How to have them: [Telemetry](../operations/telemetry.md). Prometheus calls a label as"
    yield "its attribute, with underscores; a histogram has `_bucket`, `_sum` and `_count`.\n"
    yield "## Metrics\n\n| metric | in Prometheus | kind, unit | told apart by | meaning |"
    yield "|---|---|---|---|---|"
    for metric in sorted((*METRICS, *METRICS_OF_CLUSTERS), key=lambda each: each.name):
        attributes = ", ".join(f"`{name}`" for name in metric.attributes)
        yield (
            f"| `{metric.name}` | `{metric.prometheus_name}` | {metric.kind}, `{metric.unit}` | "
            f"{attributes} | {_cell(metric.meaning)} |"
        )
    yield "\n## Spans\n\n| span | stands around |\n|---|---|"
    yield from (f"| `{name}` | {_cell(meaning)} |" for name, meaning in SPANS.items())
    yield "\n## Attributes of spans\n\n| attribute | meaning |\n|---|---|"
    yield from (f"| `{name}` | {_cell(meaning)} |" for name, meaning in ATTRIBUTES.items())
    yield ""


def _words() -> Iterator[str]:
    yield "# Words in records, holds and errors\n"
    yield "## What a record says happened\n"
    yield from (f"- `{deed.value}`" for deed in Deed)
    yield "\n## Why something is held\n"
    yield from (f"- `{cause.value}`" for cause in HoldCause)
    yield "\n## Errors\n\n```"
    yield inspect.getdoc(import_module("shoal.errors")) or ""
    yield "```\n"


def _decisions() -> Iterator[str]:
    yield "# Decisions\n"
    yield "Half a page each: the context, the choice and what else was considered, what follows.\n"
    for file in sorted((FOLDER.parent / "adr").glob("0*.md")):
        number, _, title = file.read_text().partition("\n")[0].removeprefix("# ").partition(" ")
        yield f"- [{number}]({file.name}) {title}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for file, content in pages().items():
        (FOLDER / file).parent.mkdir(exist_ok=True)
        (FOLDER / file).write_text(content)
