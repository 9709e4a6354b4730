"""`shoal plugin new`: a plugin of somebody's own, made of the example that Shoal is tested with.

The example is `examples/plugin` of a checkout, and comes with the wheel. What it is called is
replaced; what it does is for its new author to change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import click

from shoal.cli.ending import Ending, note
from shoal.cli.options import Output, prints
from shoal.cli.plugin_example import example_files
from shoal.cli.printing import print_list
from shoal.cli.scaffolding import SCAFFOLD_FILE, written

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OURS_ALONE = re.compile(
    r"^license = [^\n]*\n|^# In this repository.*?\n\n", re.MULTILINE | re.DOTALL
)
_README = """# {name}

A plugin for Shoal, made of its example by `shoal plugin new`: a source, a renderer and a notifier.
Keep what you need, give it names of your own, and say here what people write into documents, which
secrets are read, and which servers are asked.

    $ uv run --group test pytest
    $ uv build
    $ pip install dist/*.whl
    $ shoal --plugin {name} plugin list
"""


def _agreed_name(context: click.Context, argument: click.Parameter, name: str) -> str:
    if not _NAME.fullmatch(name) or name == "shoal":
        raise click.BadParameter("lower-case letters, digits and hyphens, such as acme-shoal")
    return name


@click.command("new")
@click.argument("name", callback=_agreed_name)
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder that it is made in; one of its name, here, when left out.",
)
@prints
def new(name: str, folder: Path | None, output: Output) -> int:
    """Make a plugin of your own in a new folder, NAME being that of its distribution.

    It has a source, a renderer and a notifier that work, and tests for them. What is there already
    is kept as it is.
    """
    target = folder or Path(name)
    items = list(written(target, plugin_files(name)))
    print_list(output, SCAFFOLD_FILE, items)
    note("next:")
    note(f"  cd {target} && uv run --group test pytest")
    note("  change what it does: the how-to `Write a plugin` explains each line")
    return Ending.OK


def plugin_files(name: str) -> Mapping[str, str]:
    """Path → text of every file of a plugin of this name."""
    module = name.replace("-", "_")
    files = {"README.md": _README.format(name=name)}
    for path, file in example_files(example_folder()).items():
        files[path.replace("shoal_example", module)] = _renamed(file.read_text(), name, module)
    return files


def example_folder() -> Path:
    """Where the example stands: in the wheel, or in the checkout."""
    package = Path(__file__).parents[1]
    packed = package / "example_plugin"
    return packed if packed.is_dir() else package.parents[1] / "examples" / "plugin"


def _renamed(text: str, name: str, module: str) -> str:
    text = _OURS_ALONE.sub("", text)
    text = text.replace("shoal-example", name).replace("shoal_example", module)
    return text.replace(f'example = "{module}"', f'{module} = "{module}"')
