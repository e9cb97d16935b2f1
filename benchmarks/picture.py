"""Medians as bars, in an SVG that loads nothing from elsewhere; pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, LABEL, BAR, GAP, HEAD = 760, 90, 16, 6, 30
STYLE = """text { font: 12px sans-serif; fill: #57606a } .title { font-weight: bold }
rect { fill: #afb8c1 } .ours { fill: #2da44e }
@media (prefers-color-scheme: dark) {
  text { fill: #8b949e } rect { fill: #484f58 } .ours { fill: #3fb950 }
}"""


def picture(groups: Mapping[str, Mapping[str, float]], ours: str) -> str:
    """Return the seconds of each way in each group, on one scale, ours in another colour."""
    longest = max(seconds for ways in groups.values() for seconds in ways.values())
    scale = (WIDTH - LABEL - 70) / longest
    top, parts = 0, []
    for title, ways in groups.items():
        top += HEAD
        parts.append(f'<text class="title" x="0" y="{top - 10}">{escape(title)}</text>')
        for way, seconds in ways.items():
            kind = ' class="ours"' if way == ours else ""
            length = seconds * scale
            parts += [
                f'<text x="{LABEL - 8}" y="{top + BAR - 4}" text-anchor="end">{escape(way)}</text>',
                f'<rect{kind} x="{LABEL}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>',
                f'<text x="{LABEL + length + 6:.1f}" y="{top + BAR - 4}">{seconds:.2f} s</text>',
            ]
            top += BAR + GAP
    body = "\n".join(parts)
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'
