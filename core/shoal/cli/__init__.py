"""The command line: one module per group of verbs, each imported when its command is typed.

`root` knows the commands by name, `ending` turns every end of a command into an exit code and a
sentence, `options` holds what commands have in common, `kinds` and `tables` what lists look like,
`printing` writes every format. Commands return their exit code. Stdout is data, the rest is stderr.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The program `shoal`."""
    from shoal.cli.ending import carry_out

    sys.exit(carry_out(sys.argv[1:]))
