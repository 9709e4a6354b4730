"""One thing that is wrong with what people wrote: where, what, and what was expected instead.

Made everywhere in `shoal.documents`, shown by `shoal validate`, the fleet's status and the API. It
names fields, kinds and plugins, never the content of a field: that could be a secret.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Sorted by file and line. `line` 0: of no line; `file` empty: of the fleet as a whole.

    `suggestion` is a known name that was probably meant, `next_step` a sentence without a stop.
    """

    file: str
    line: int
    field: str
    message: str
    expected: str = ""
    suggestion: str = ""
    next_step: str = ""

    @property
    def where(self) -> str:
        """`file:line`, as editors and terminals link it."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file

    def __str__(self) -> str:
        return self.as_text()

    def as_text(self) -> str:
        """One line: `file:line: field: message (expected …; did you mean …?); next step`."""
        hints = [
            f"expected {self.expected}" if self.expected else "",
            f"did you mean {self.suggestion}?" if self.suggestion else "",
        ]
        told = "; ".join(hint for hint in hints if hint)
        parts = [part for part in (self.where, self.field, self.message) if part]
        text = ": ".join(parts) + (f" ({told})" if told else "")
        return f"{text}; {self.next_step}" if self.next_step else text

    def as_json(self) -> dict[str, str | int]:
        """For `-o json` and the API: all members, in camelCase, empty ones too."""
        return {
            "file": self.file,
            "line": self.line,
            "field": self.field,
            "message": self.message,
            "expected": self.expected,
            "suggestion": self.suggestion,
            "nextStep": self.next_step,
            "text": self.as_text(),
        }
