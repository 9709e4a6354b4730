"""The table of parsers that read what comes from outside, each with what it may raise and seeds."""

from __future__ import annotations

from tests.fuzzing.targets_of_clusters import CLUSTER_TARGETS
from tests.fuzzing.targets_of_people import PEOPLE_TARGETS
from tests.fuzzing.targets_of_sources import SOURCE_TARGETS

TARGETS = {each.name: each for each in (*PEOPLE_TARGETS, *SOURCE_TARGETS, *CLUSTER_TARGETS)}
