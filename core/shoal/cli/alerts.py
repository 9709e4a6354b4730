"""`shoal alert`: whether what an Alert sends arrives, and sending again what did not."""

from __future__ import annotations

from collections.abc import Sequence

import click

from shoal.api.client import Client
from shoal.cli import completing
from shoal.cli.ending import Ending, note
from shoal.cli.kinds import Kind, split_name
from shoal.cli.options import Output, asks, prints
from shoal.cli.phrasing import relative
from shoal.cli.printing import print_list
from shoal.cli.tables import Column, Item, field

_SENDING_SECONDS = 35.0  # the controller gives a destination 30
_RESENDING_SECONDS = 65.0  # after 30 it begins no other batch, and each has 30
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


RESENT = Kind(
    "Resent",
    "resent",
    (),
    (
        field("TO", "destination"),
        Column("MADE", lambda item, now: relative(item["at"], now)),
        field("TELLS", "title"),
        Column("RESULT", lambda item, now: "arrived" if item["arrived"] else "not delivered"),
        field("MESSAGE", "message"),
    ),
    lambda item: str(item["batch"]),
)


_namespace_option = click.option(
    "-n", "--namespace", shell_complete=completing.namespaces, help="The namespace of NAME."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def alert() -> None:
    """Look after who is told of what.

    `shoal get alerts` shows where each of them stands.
    """


@alert.command("test")
@click.argument("name", shell_complete=completing.alerts)
@_namespace_option
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
    return _ending(trials)


@alert.command("resend")
@click.argument("name", shell_complete=completing.alerts)
@_namespace_option
@click.option(
    "--batch",
    "batches",
    multiple=True,
    metavar="ID",
    help="Only this batch, as the record alert.given-up names it; repeatable.",
)
@prints
@asks
def resend(
    name: str, namespace: str | None, batches: tuple[str, ...], output: Output, client: Client
) -> int:
    """Send again, now, what the Alert NAME has given up and did not deliver since.

    A batch is given up when its destination does not take it for 24 hours, or refuses it as
    malformed. Each is the same as before, with its id: a receiver that has it can drop it. The
    ledger says who asked. Exit code 1 when one did not arrive; what arrived is not sent again.
    """
    where, what = split_name(name, namespace)
    client.wait_for(_RESENDING_SECONDS)
    resent = client.post("alerts", where, what, "resend", body={"batches": batches})["items"]
    print_list(output, RESENT, resent)
    if not resent:
        note(f"nothing to send: {where}/{what} gave up nothing, or all of it has arrived since")
    return _ending(resent)


def _ending(sent: Sequence[Item]) -> Ending:
    """What to do about those that did not arrive, once for each destination and step."""
    lost = [each for each in sent if not each["arrived"]]
    steps = ((each["destination"], each["next_step"]) for each in lost if each["next_step"])
    for destination, step in dict.fromkeys(steps):
        note(f"{destination}: {step}")
    return Ending.NO if lost else Ending.OK
