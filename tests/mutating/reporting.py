"""What is told of a run: a table, every survivor with its line, and the same as JSON.

The score of a module is killed / (mutants - excluded). A mutant that ran out of its time was not
noticed by a test, so it counts against the score like a survivor.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table
from tests.mutating.mutants import Mutant
from tests.mutating.processes import Outcome

_COLUMNS = (Outcome.KILLED, Outcome.SURVIVED, Outcome.UNREACHED, Outcome.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Report:
    """What is known so far of the mutants that were asked for."""

    mutants: Sequence[Mutant]
    outcomes: dict[Mutant, Outcome] = field(default_factory=dict)

    @property
    def judged(self) -> list[Mutant]:
        return [mutant for mutant in self.mutants if not mutant.excluded]

    @property
    def is_whole(self) -> bool:
        return len(self.outcomes) == len(self.judged)

    @property
    def score(self) -> float:
        return _score(self._count(self.judged))

    def table(self) -> Table:
        table = Table("module", box=None, pad_edge=False)
        for heading in ("mutants", "excluded", *_COLUMNS, "score"):
            table.add_column(heading, justify="right")
        for module in dict.fromkeys(mutant.module for mutant in self.mutants):
            self._add_row(table, module, [one for one in self.mutants if one.module == module])
        self._add_row(table, "all", self.mutants)
        return table

    def write(self, folder: Path) -> None:
        """`mutate.json` and, to be read, `mutate-survivors.txt`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mutate.json").write_text(json.dumps(self._as_json(), indent=2) + "\n")
        (folder / "mutate-survivors.txt").write_text("".join(self._told()))

    def _told(self) -> Iterable[str]:
        for mutant in self.judged:
            outcome = self.outcomes.get(mutant)
            if outcome not in (None, Outcome.KILLED):
                yield f"{mutant.path}:{mutant.line} {mutant.where or 'at import'}: {outcome}\n"
                yield f"  - {mutant.before}\n  + {mutant.after}\n"

    def _as_json(self) -> object:
        excluded = Counter(one.excluded for one in self.mutants if one.excluded)
        modules = dict.fromkeys(mutant.module for mutant in self.mutants)
        return {
            "is_whole": self.is_whole,
            "score": self.score,
            "excluded": dict(excluded),
            "modules": {
                module: self._count([one for one in self.judged if one.module == module])
                for module in modules
            },
            "survivors": [
                {
                    "module": mutant.module,
                    "where": mutant.where,
                    "line": mutant.line,
                    "before": mutant.before,
                    "after": mutant.after,
                    "outcome": self.outcomes[mutant],
                }
                for mutant in self.judged
                if self.outcomes.get(mutant, Outcome.KILLED) is not Outcome.KILLED
            ],
        }

    def _count(self, mutants: Iterable[Mutant]) -> Counter[Outcome]:
        return Counter(self.outcomes[one] for one in mutants if one in self.outcomes)

    def _add_row(self, table: Table, name: str, mutants: Sequence[Mutant]) -> None:
        judged = [one for one in mutants if not one.excluded]
        count = self._count(judged)
        table.add_row(
            name,
            str(len(mutants)),
            str(len(mutants) - len(judged)),
            *(str(count[outcome]) for outcome in _COLUMNS),
            f"{_score(count):.1%}",
        )


def _score(count: Counter[Outcome]) -> float:
    return count[Outcome.KILLED] / count.total() if count else 1.0
