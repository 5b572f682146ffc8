"""SVG text with one set of colours for light and one for dark surroundings."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

__all__ = ["arrow", "box", "label", "line", "picture", "polyline"]

# Classes of every picture; the panel behind makes them legible where a page is of the other kind.
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1b1f24; }
.panel { fill: #f6f8fa; } .soft { fill: #57606a; } .bold { font-weight: 700; }
.box { fill: #fff; stroke: #57606a; } .one { fill: #a9cbfa; stroke: #0a5bd0; }
.two { fill: #f5d9a6; stroke: #7a4b00; } .three { fill: #b7e3c4; stroke: #14602c; }
.stroke { stroke: #57606a; fill: none; } .curve { stroke: #0a5bd0; stroke-width: 2; fill: none; }
.mark { stroke: #a40e26; stroke-width: 2; fill: none; } .tip { fill: #57606a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .panel { fill: #182029; } .soft { fill: #a2acb7; }
  .box { fill: #0f141a; stroke: #a2acb7; } .one { fill: #234a7d; stroke: #6cb0ff; }
  .two { fill: #5c430f; stroke: #e8b454; } .three { fill: #1d4a2b; stroke: #5fd07e; }
  .stroke { stroke: #a2acb7; } .curve { stroke: #6cb0ff; } .mark { stroke: #ff8b88; }
  .tip { fill: #a2acb7; }
}
"""
TIP = ('<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
       'orient="auto"><path d="M0 0 8 4 0 8z" class="tip"/></marker>')


def picture(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A whole file."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", f"<defs>{TIP}</defs>",
        f'<rect class="panel" width="{width}" height="{height}" rx="8"/>', *parts, "</svg>", ""])


def box(x: float, y: float, width: float, height: float, kind: str = "box") -> str:
    """A rectangle of class ``kind``."""
    return (f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
            'rx="3"/>')


def label(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> str:
    """Text whose line is at ``y``."""
    classes = f' class="{kind}"' if kind else ""
    return f'<text{classes} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "stroke") -> str:
    """A straight line."""
    return f'<path class="{kind}" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A straight line with a tip at its end."""
    return f'<path class="stroke" marker-end="url(#tip)" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


def polyline(points: Iterable[tuple[float, float]], kind: str = "curve") -> str:
    """Straight lines from point to point."""
    places = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline class="{kind}" points="{places}"/>'
