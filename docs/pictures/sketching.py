"""A sketch: boxes, arrows and words on a card, as SVG that is legible in light and in dark.

The colours are the status palette of the product; the card has a ground of its own, so that a
picture can stand on any page. No font, script or image is fetched. Coordinates are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

_LIGHT = {
    "ground": "#ffffff",
    "edge": "#c9d1db",
    "ink": "#10151c",
    "dim": "#5b6673",
    "fill": "#f3f5f8",
    "good": "#9fddd9",
    "busy": "#1740cb",
    "drift": "#e49523",
    "bad": "#a3271d",
    "held": "#341f59",
}
_DARK = {
    "ground": "#10151c",
    "edge": "#39434f",
    "ink": "#d6dbe2",
    "dim": "#93a0ae",
    "fill": "#19212b",
    "good": "#2d4f4c",
    "busy": "#518cfd",
    "drift": "#fcde3e",
    "bad": "#ed5038",
    "held": "#c07bc7",
}
_FONT = "Inter, system-ui, 'Segoe UI', sans-serif"
_MONO = "'JetBrains Mono', ui-monospace, Menlo, Consolas, monospace"
_LINE = 17
_MARGIN = 10


@dataclass
class Sketch:
    """A picture that is being drawn; `says` is what it tells those who cannot see it."""

    width: int
    height: int
    says: str
    parts: list[str] = field(default_factory=list)

    def box(
        self,
        x: int,
        y: int,
        width: int,
        height: int,
        title: str = "",
        lines: Sequence[str] = (),
        *,
        tone: str = "edge",
    ) -> None:
        """A box with a title and lines below it; its tone is the colour of its edge."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" '
            f'class="fill line-{tone}"/>'
        )
        top = y + 21
        if title:
            self.text(x + _MARGIN, top, title, bold=True)
            top += _LINE + 2
        for number, line in enumerate(lines):
            self.text(x + _MARGIN, top + number * _LINE, line, tone="dim")

    def bar(self, x: int, y: int, width: int, height: int, tone: str) -> None:
        """A filled bar."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" class="tone-{tone}"/>'
        )

    def text(
        self,
        x: int,
        y: int,
        words: str,
        *,
        tone: str = "ink",
        bold: bool = False,
        mono: bool = False,
        anchor: str = "start",
    ) -> None:
        """Words; `anchor` is start, middle or end."""
        classes = f"tone-{tone}" + (" bold" if bold else "") + (" mono" if mono else "")
        self.parts.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{classes}">{escape(words)}</text>'
        )

    def arrow(
        self,
        *points: tuple[int, int],
        label: str = "",
        tone: str = "dim",
        dashed: bool = False,
        above: int = 6,
    ) -> None:
        """A line through these points with a head at its end; the label stands over its middle."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        path = " ".join(f"{x},{y}" for x, y in points)
        self.parts.append(
            f'<polyline points="{path}" class="arrow line-{tone}" '
            f'marker-end="url(#head-{tone})"{dash}/>'
        )
        if label:
            (x1, y1), (x2, y2) = points[len(points) // 2 - 1 : len(points) // 2 + 1]
            self.text((x1 + x2) // 2, (y1 + y2) // 2 - above, label, tone="dim", anchor="middle")

    def svg(self) -> str:
        """The picture as a file."""
        heads = "".join(
            f'<marker id="head-{tone}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            f'markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 z" class="tone-{tone}"/>'
            "</marker>\n"
            for tone in ("dim", "busy", "drift", "bad", "held")
        )
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img">\n'
            f"<title>{escape(self.says)}</title>\n"
            f"<style>\n{_rules(_LIGHT)}\n"
            f"@media (prefers-color-scheme: dark) {{\n{_rules(_DARK)}\n}}\n"
            f"text {{ font: 13px {_FONT}; }}\n.bold {{ font-weight: 600; }}\n"
            f".mono {{ font-family: {_MONO}; font-size: 12px; }}\n"
            ".arrow { fill: none; stroke-width: 1.5; }\n</style>\n"
            f"<defs>\n{heads}</defs>\n"
            f'<rect width="{self.width}" height="{self.height}" rx="8" class="ground"/>\n'
            f"{body}\n</svg>\n"
        )


def _rules(colours: dict[str, str]) -> str:
    tones = "\n".join(
        f".tone-{name} {{ fill: {colour}; }} .line-{name} {{ stroke: {colour}; }}"
        for name, colour in colours.items()
        if name not in ("ground", "fill")
    )
    return f".ground {{ fill: {colours['ground']}; }} .fill {{ fill: {colours['fill']}; }}\n{tones}"
