"""The command line: one module per group of verbs, each imported when its command is typed.

`root` knows the commands by name, `ending` turns every end of a command into an exit code and a
sentence, `options` holds what commands have in common (`narrowing` what lists do,
`application_options` those about one application), `kinds` and `tables` what lists look like,
`printing` writes every format. Commands return their exit code. Stdout is data, the rest is stderr.
"""

from __future__ import annotations

import os
import sys

from shoal import __version__

VERSION_LINE = f"shoal {__version__}"


def main() -> None:
    """The program `shoal`."""
    if sys.stdout is None:  # closed by who started it, such as `>&-`: nobody is to read it
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the end of the process
    if sys.argv[1:] == ["version"]:
        # Scripts and prompts ask it all the time, and click alone takes five times as long to
        # import as Python to start. With any option it is a command like the others.
        sys.stdout.write(f"{VERSION_LINE}\n")
        return
    from shoal.cli.ending import carry_out

    if "_SHOAL_COMPLETE" in os.environ:
        # Somebody is typing: whatever is wrong, there is no place to say it.
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # until the end of the process
    sys.exit(carry_out(sys.argv[1:]))
