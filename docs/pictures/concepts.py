"""Draws the picture of each concept: `python docs/pictures/concepts.py`.

A test fails when a picture is not what this would draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.pictures.sketching import Sketch

FOLDER = Path(__file__).parent / "concepts"


def fleet_and_documents() -> Sketch:
    """What a fleet is made of."""
    sketch = Sketch(
        760, 330, "A repository holds documents and manifests; an application selects clusters."
    )
    sketch.box(20, 20, 330, 290, "Git")
    sketch.box(40, 56, 290, 50, "Fleet acme", ["its name, and what counts for all"])
    sketch.box(40, 118, 138, 66, "Source", ["a repository,", "and what of it"])
    sketch.box(192, 118, 138, 66, "Application", ["a folder, and", "where it belongs"], tone="busy")
    sketch.box(40, 200, 138, 96, "apps/web", ["manifests, or", "a chart, or", "an overlay"])
    sketch.box(192, 200, 138, 44, "Cluster dev")
    sketch.box(192, 252, 138, 44, "Cluster prod")
    sketch.arrow((109, 184), (109, 200))
    sketch.arrow((192, 151), (178, 151))
    sketch.arrow((330, 140), (470, 96), tone="busy")
    sketch.arrow((330, 160), (470, 236), tone="busy")
    sketch.arrow((330, 222), (470, 116), dashed=True)
    sketch.arrow((330, 274), (470, 256), dashed=True)
    sketch.box(
        470, 56, 270, 92, "API server of dev", ["target web@dev", "Deployment web, 1 replica"]
    )
    sketch.box(
        470, 200, 270, 92, "API server of prod", ["target web@prod", "Deployment web, 3 replicas"]
    )
    sketch.text(400, 92, "env: dev", tone="dim", anchor="middle")
    sketch.text(474, 194, "env: prod", tone="dim")
    sketch.text(605, 180, "an override makes the difference", tone="dim", anchor="middle")
    return sketch


def three_loops() -> Sketch:
    """What runs, and what wakes it."""
    sketch = Sketch(760, 350, "Three loops hand keys to one another by queues.")
    tops = [
        ("Sources", "key: a source", ["fetch: is there", "a new revision?"]),
        ("Applications", "key: an application", ["place, render,", "override, grant"]),
        ("Targets", "key: web@prod", ["plan, hold?, intend,", "apply, prune, record"]),
    ]
    for number, (title, key, lines) in enumerate(tops):
        x = 20 + number * 255
        sketch.box(x, 70, 190, 118, title, [key, "", *lines], tone="busy")
    sketch.arrow((210, 128), (275, 128), label="changed")
    sketch.arrow((465, 128), (530, 128), label="differs")
    sketch.arrow((115, 24), (115, 70))
    sketch.text(125, 40, "webhook, interval, a person", tone="dim")
    sketch.arrow((370, 24), (370, 70))
    sketch.text(380, 40, "a document changed", tone="dim")
    sketch.arrow((625, 24), (625, 70))
    sketch.text(635, 40, "retry, health, fact", tone="dim")
    sketch.box(
        530,
        250,
        210,
        80,
        "Session, one per cluster",
        ["watches what was written:", "drift, health"],
    )
    sketch.arrow((600, 188), (600, 250), tone="busy")
    sketch.arrow((665, 250), (665, 188), tone="drift")
    sketch.text(676, 224, "sightings", tone="dim")
    sketch.text(590, 224, "requests", tone="dim", anchor="end")
    sketch.box(
        20,
        250,
        445,
        80,
        "State and ledger",
        ["what is, and what happened: changed in one transaction,", "by one writer"],
    )
    sketch.arrow((545, 188), (430, 250))
    return sketch


def target_grant_hold() -> Sketch:
    """How a revision gets to a target, and what may stop it."""
    sketch = Sketch(
        760, 280, "A revision is granted, a plan is made, a hold may stop a part of it."
    )
    sketch.box(20, 40, 150, 84, "Desired", ["what Git says for", "this very cluster"])
    sketch.box(205, 40, 170, 84, "Grant", ["web@prod may have", "revision 8f3c2d1"], tone="busy")
    sketch.box(415, 40, 155, 84, "Plan", ["1 update, 1 deletion,", "hash 26f798c1"])
    sketch.box(620, 40, 120, 84, "Cluster", ["applied, then", "pruned"], tone="good")
    sketch.arrow((170, 82), (205, 82))
    sketch.arrow((375, 82), (415, 82))
    sketch.arrow((570, 66), (620, 66), label="update")
    sketch.arrow((495, 124), (495, 184), tone="held")
    sketch.box(
        400,
        184,
        190,
        76,
        "Hold PruneBudget",
        ["the deletion waits,", "the update goes on"],
        tone="held",
    )
    sketch.arrow((590, 222), (680, 222), (680, 124), tone="held")
    sketch.text(606, 246, "shoal approve", tone="dim", mono=True)
    sketch.box(
        20,
        184,
        320,
        76,
        "Drift",
        ["is undone meanwhile, to the revision that", "the cluster has: nothing held comes in"],
        tone="drift",
    )
    sketch.arrow((340, 222), (376, 222), (376, 150), (650, 150), (650, 124), tone="drift")
    return sketch


def plan_is_content() -> Sketch:
    """Why an approval survives a commit that does not matter."""
    sketch = Sketch(760, 300, "Two revisions that render to the same content have the same plan.")
    for number, (revision, what) in enumerate(
        [
            ("8f3c2d1", "bump web to 1.29"),
            ("91d0c44", "fix a typo in README"),
            ("c07aa52", "bump web to 1.30"),
        ]
    ):
        y = 24 + number * 92
        tone = "busy" if number == 2 else "edge"
        sketch.box(20, y, 190, 64, revision, [what], tone=tone)
        sketch.arrow(
            (210, y + 32),
            (290, y + 32) if number != 1 else (290, y - 40),
            label="render" if number != 1 else "",
        )
    sketch.box(290, 24, 180, 64, "digest 5b1e…", ["objects, not text"])
    sketch.box(290, 208, 180, 64, "digest e9a0…", ["other objects"], tone="busy")
    sketch.arrow((470, 56), (550, 56), label="against live")
    sketch.arrow((470, 240), (550, 240), label="against live")
    sketch.box(550, 24, 190, 64, "plan 26f798c1", ["approved by Ann"], tone="good")
    sketch.box(550, 208, 190, 64, "plan d41c07be", ["another plan: ask again"], tone="held")
    sketch.text(300, 130, "same digest: no grant, no write,", tone="dim")
    sketch.text(300, 148, "and what was approved stays so", tone="dim")
    return sketch


def drift() -> Sketch:
    """From somebody's edit to the correction."""
    sketch = Sketch(
        760, 300, "A watch sees an edit, the fields of Git are compared, one request undoes it."
    )
    sketch.box(
        20,
        24,
        210,
        120,
        "Live object",
        [
            "replicas: 1        ann, edited",
            "image: nginx:1.29  shoal",
            "nodePort: 31022    server",
            "debug: true        ann, added",
        ],
    )
    sketch.box(
        20, 176, 210, 100, "What we wrote", ["replicas: 3", "image: nginx:1.29"], tone="busy"
    )
    sketch.box(
        300,
        84,
        190,
        116,
        "Compare our fields",
        [
            "replicas: changed by",
            "kubectl-edit at 9:12",
            "debug: added by hand",
            "nodePort: not ours",
        ],
        tone="drift",
    )
    sketch.arrow((230, 84), (300, 120), label="watch", above=10)
    sketch.arrow((230, 226), (300, 170))
    sketch.arrow((490, 110), (560, 66), tone="busy")
    sketch.arrow((490, 142), (560, 152), tone="dim")
    sketch.arrow((490, 174), (560, 238), tone="held")
    sketch.box(560, 24, 180, 74, "Correct", ["one request; on the", "record: by whom"], tone="busy")
    sketch.box(560, 116, 180, 66, "Report", ["shoal drift list:", "revert, adopt, ignore"])
    sketch.box(
        560, 202, 180, 74, "Conflict", ["five times in 10 min:", "a person decides"], tone="held"
    )
    return sketch


def removal_and_ownership() -> Sketch:
    """Whose an object is, and the ways on which it may go."""
    sketch = Sketch(
        760, 330, "Marks say whose an object is; each way of removing it has its own guard."
    )
    sketch.box(
        20,
        24,
        230,
        118,
        "Object",
        [
            "shoal.dev labels and owner:",
            "fleet, application, cluster",
            "managedFields: shoal",
            "both, or it is not ours",
        ],
        tone="busy",
    )
    sketch.box(
        20,
        176,
        230,
        118,
        "Not ours",
        [
            "made by a controller,",
            "another fleet, Flux, Argo CD,",
            "Helm, a person:",
            "never overwritten, never deleted",
        ],
    )
    ways = [
        ("left Git", "beyond a budget: a person", "held"),
        ("application removed", "10 minutes of grace", "drift"),
        ("cluster removed", "let go: nothing is deleted", "good"),
        ("many documents went", "held: an accident, more likely", "held"),
        ("cannot be read", "unknown is never deletion", "good"),
    ]
    for number, (why, guard, tone) in enumerate(ways):
        y = 24 + number * 58
        sketch.box(300, y, 190, 42)
        sketch.text(310, y + 26, why, bold=True)
        sketch.arrow((490, y + 21), (530, y + 21))
        sketch.box(530, y, 210, 42, tone=tone)
        sketch.text(540, y + 26, guard, tone="dim")
    sketch.arrow((250, 83), (300, 83), tone="busy")
    return sketch


def bulkheads() -> Sketch:
    """One cluster is away, and the others do not notice."""
    sketch = Sketch(
        760,
        300,
        "Each cluster has its own queue and connection; one that is away fills only its own.",
    )
    lanes = [
        ("dev", "answers", 1, "good"),
        ("staging", "away since 9:12", 6, "bad"),
        ("prod", "answers", 2, "good"),
    ]
    sketch.box(20, 24, 150, 252, "Applications", ["rendered once,", "granted to all"], tone="busy")
    for number, (name, state, waiting, tone) in enumerate(lanes):
        y = 24 + number * 90
        sketch.box(230, y, 270, 72, f"queue of {name}", [])
        for place in range(waiting):
            sketch.bar(246 + place * 40, y + 36, 32, 20, "busy" if tone == "good" else "drift")
        sketch.arrow((170, y + 36), (230, y + 36))
        sketch.box(580, y, 160, 72, name, [state], tone=tone)
        if tone == "good":
            sketch.arrow((500, y + 36), (580, y + 36), label="at most 16")
        else:
            sketch.arrow((500, y + 36), (580, y + 36), label="probes", dashed=True, tone="bad")
    return sketch


def traces() -> Sketch:
    """One commit as a waterfall."""
    sketch = Sketch(
        760, 300, "One trace: fetch, render, then each cluster with plan, apply and health."
    )
    spans = [
        (0, "shoal.sync  8f3c2d1 bump web to 1.29", 0, 500, "busy"),
        (1, "fetch", 0, 60, "good"),
        (1, "render", 62, 40, "good"),
        (1, "cluster.sync dev", 104, 120, "busy"),
        (2, "plan", 104, 14, "good"),
        (2, "apply", 120, 100, "good"),
        (1, "cluster.sync prod", 104, 180, "busy"),
        (2, "apply", 124, 158, "good"),
        (1, "cluster.healthy prod", 286, 214, "drift"),
    ]
    for number, (depth, name, start, length, tone) in enumerate(spans):
        y = 26 + number * 29
        sketch.text(20 + depth * 16, y + 12, name, mono=True)
        x = 300 + start * 430 // 500
        sketch.bar(x, y, max(4, length * 430 // 500), 16, tone)
    return sketch


DRAWINGS: Mapping[str, Callable[[], Sketch]] = {
    "fleet-and-documents": fleet_and_documents,
    "three-loops": three_loops,
    "target-grant-hold": target_grant_hold,
    "plan-is-content": plan_is_content,
    "drift": drift,
    "removal-and-ownership": removal_and_ownership,
    "bulkheads": bulkheads,
    "traces": traces,
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        (FOLDER / f"{name}.svg").write_text(draw().svg())
