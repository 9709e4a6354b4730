"""What the judge judges by: the servers' audit logs, the ledger, the repository, the clusters.

Everything is read without Shoal's code but for the hash of a record, which is what is to be
verified: logs as JSON, the database with `sqlite3`, manifests with a YAML parser, objects as the
administrator.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import yaml
from tests.chaos.controller import FLEET
from tests.chaos.manifests import (
    KIND_OF_RESOURCE,
    LABEL,
    SERVED,
    Body,
    Key,
    collection,
    key_of,
    number_of,
)
from tests.chaos.victims import USER

from shoal.model.records import Deed, Entry, Verdict, record_hash
from shoal_clusters.controlplane.client import Client


@dataclass(frozen=True, slots=True)
class Write:
    """One write of Shoal that an API server answered; `number` is what it carried, if any."""

    cluster: str
    at: datetime
    done: datetime
    verb: str
    key: Key
    number: int | None
    code: int
    audit_id: str = ""

    @property
    def took_effect(self) -> bool:
        """Whether the server said yes."""
        return 200 <= self.code < 300

    def __str__(self) -> str:
        carried = "" if self.number is None else f" carrying {self.number}"
        return f"{self.at:%H:%M:%S.%f} {self.cluster}: {self.verb} {self.key}{carried}: {self.code}"


@dataclass(frozen=True, slots=True)
class Told:
    """What a record says of one object."""

    key: Key
    action: str
    status: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """One row of the ledger; `cluster` is empty where it is about none."""

    seq: int
    at: datetime
    what: str
    subject: str
    revision: str
    told: Sequence[Told]

    @property
    def cluster(self) -> str:
        """The cluster of a target."""
        return self.subject.rpartition("@")[2] if "@" in self.subject else ""


def read_writes(log: Path, cluster: str) -> list[Write]:
    """Shoal's writes by one audit log, in the order in which they were answered."""
    found: list[Write] = []
    with log.open("rb") as lines:
        for line in lines:
            if b'"dryRun=' in line or not line.endswith(b"\n"):
                continue
            write = _write(orjson.loads(line), cluster)
            if write is not None:
                found.append(write)
    return found


def _write(event: Mapping[str, Any], cluster: str) -> Write | None:
    subject = event.get("objectRef") or {}
    if event["user"].get("username") != USER or "dryRun=" in event["requestURI"]:
        return None
    resource = subject.get("resource", "")
    kind = KIND_OF_RESOURCE.get(resource, str(resource))
    return Write(
        cluster=cluster,
        at=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        done=datetime.fromisoformat(event["stageTimestamp"]),
        verb=event["verb"],
        key=Key(kind, subject.get("namespace", ""), subject.get("name", "")),
        number=number_of(event.get("requestObject")),
        code=(event.get("responseStatus") or {}).get("code", 0),
        audit_id=event.get("auditID", ""),
    )


@dataclass(frozen=True, slots=True)
class Ledger:
    """The chain as it stands in the database; `broken` is the first record that does not follow."""

    records: Sequence[LedgerRecord]
    hashes: Mapping[int, str]
    broken: int | None


def read_ledger(database: Path) -> Ledger:
    """Read and verify every record."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("select * from ledger order by seq").fetchall()
    previous, broken = "", None
    for expected, row in enumerate(rows, 1):
        entry = Entry(
            at=datetime.fromisoformat(row["at"]),
            who=row["who"],
            what=Deed(row["what"]),
            why=row["why"],
            subject=row["subject"],
            verdict=Verdict(row["verdict"]),
            revision=row["revision"],
            trace_id=row["trace_id"],
            body=orjson.loads(row["body"]),
        )
        own = record_hash(row["chain"], row["seq"], previous, entry)
        is_next = row["seq"] == expected and row["previous"] == previous
        if broken is None and not (is_next and row["hash"] == own):
            broken = expected
        previous = row["hash"]
    return Ledger([_record(row) for row in rows], {row["seq"]: row["hash"] for row in rows}, broken)


def read_head(database: Path) -> tuple[int, str] | None:
    """The last record that is there now; None while there is none."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            last = "select seq, hash from ledger order by seq desc limit 1"
            row = connection.execute(last).fetchone()
    except sqlite3.Error:
        return None  # it is just being made
    return None if row is None else (row[0], row[1])


def _record(row: sqlite3.Row) -> LedgerRecord:
    body = orjson.loads(row["body"])
    told = [
        Told(Key.parse(each["object"]), each["action"], each["status"], each.get("note", ""))
        for each in body.get("changes") or ()
    ]
    told += [
        Told(Key.parse(f"{group['kind']} {group['namespace']}/{name}"), *_ended(group))
        for group in body.get("further") or ()
        for name in group["names"]
    ]
    at = datetime.fromisoformat(row["at"])
    return LedgerRecord(row["seq"], at, row["what"], row["subject"], row["revision"], told)


def _ended(group: Mapping[str, str]) -> tuple[str, str]:
    return group["action"], group["status"]


def read_repository(bare: Path, scratch: Path) -> dict[Key, Body]:
    """What the repository's head asks for on every cluster."""
    subprocess.run(["git", "clone", "-q", str(bare), str(scratch)], check=True)
    wanted: dict[Key, Body] = {}
    for file in sorted(scratch.glob("*/*.yaml")):
        for body in yaml.safe_load_all(file.read_text()):
            wanted[key_of(body)] = body
    return wanted


async def read_cluster(client: Client) -> dict[Key, Body]:
    """Every object of the kinds that occur, whosever it is."""
    found: dict[Key, Body] = {}
    for kind in SERVED:
        items = (await client.get(collection(kind)))["items"]
        found |= {key_of({**item, "kind": kind}): item for item in items}
    return found


def differences(wanted: Mapping[Key, Body], live: Mapping[Key, Body]) -> list[str]:
    """How a cluster differs from Git: what is missing, what is other, what nobody asked for."""
    found: list[str] = []
    for key, body in wanted.items():
        if key not in live:
            found.append(f"{key} is missing")
        elif not contains(live[key], _without_head(body)):
            found.append(f"{key} differs: Git has {number_of(body)}, not {number_of(live[key])}")
    return found


def marked(live: Mapping[Key, Body]) -> set[Key]:
    """What says that it is Shoal's."""
    return {
        key
        for key, body in live.items()
        if (body["metadata"].get("labels") or {}).get(LABEL) == FLEET
    }


def _without_head(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in ("apiVersion", "kind")}


def contains(live: object, wanted: object) -> bool:
    """Whether everything that is wanted is there; lists are compared item by item."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            name in live and contains(live[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(live, list) or len(live) != len(wanted):
            return False
        return all(contains(*pair) for pair in zip(live, wanted, strict=True))
    return live == wanted
