"""`shoal alert test`: whether what an Alert sends arrives."""

from __future__ import annotations

import click

from shoal.api.client import Client
from shoal.cli import completing
from shoal.cli.ending import Ending, note
from shoal.cli.kinds import Kind, split_name
from shoal.cli.options import Output, asks, prints
from shoal.cli.printing import print_list
from shoal.cli.tables import Column, field

_SENDING_SECONDS = 35.0  # the controller gives a destination 30
TRIAL = Kind(
    "Trial",
    "trials",
    (),
    (
        field("TO", "destination"),
        Column("RESULT", lambda item, now: "arrived" if item["arrived"] else "not delivered"),
        field("MESSAGE", "message"),
    ),
    lambda item: str(item["destination"]),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def alert() -> None:
    """Look after who is told of what.

    `shoal get alerts` shows where each of them stands.
    """


@alert.command("test")
@click.argument("name", shell_complete=completing.alerts)
@click.option(
    "-n", "--namespace", shell_complete=completing.namespaces, help="The namespace of NAME."
)
@prints
@asks
def send_test(name: str, namespace: str | None, output: Output, client: Client) -> int:
    """Send a test to every destination of the Alert NAME, now, also while it is muted.

    Nothing of it is kept: what waits to be told is told as before. Exit code 1 when it did not
    arrive somewhere.
    """
    where, what = split_name(name, namespace)
    client.wait_for(_SENDING_SECONDS)
    trials = client.post("alerts", where, what, "test")["items"]
    print_list(output, TRIAL, trials)
    lost = [each for each in trials if not each["arrived"]]
    for each in lost:
        if each["next_step"]:
            note(f"{each['destination']}: {each['next_step']}")
    return Ending.NO if lost else Ending.OK
