"""The demo: local clusters, a sample fleet behind a real Git server, and a tour through both.

`commands` is `shoal demo`. `staging` starts everything and ends everything; on that stage either
`showing` gives a person a live view, or `touring` plays `steps` and asserts each against the API
servers. Shoal itself runs as a child and is asked by its own command line (`asking`), as a user
does. No part of `shoal run`.

This module is loaded at every start of `shoal`, so it imports nothing but the hook.
"""

from collections.abc import Mapping

from shoal.hooks import hookimpl


@hookimpl
def shoal_commands() -> Mapping[str, str]:
    """`shoal demo`, imported when it is used."""
    return {"demo": "shoal_clusters.demo.commands:demo"}
