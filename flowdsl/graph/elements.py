"""Elements of SVG."""

from __future__ import annotations

from xml.sax.saxutils import escape

from .fonts import measure
from .picture import Rect


def text_element(x: float, y: float, text: str, size: float, classes: str, *, bold: bool = False) -> str:
    """A text that is exactly as wide as its measured width, in whatever font."""
    if not text:
        return ""
    width = number(measure(text, size, bold=bold))
    place = f'x="{number(x)}" y="{number(y)}" textLength="{width}" lengthAdjust="spacingAndGlyphs"'
    return f'<text class="{classes}" {place}>{escape(text)}</text>'


def rectangle(rect: Rect, radius: float, classes: str) -> str:
    name = f'class="{classes}" ' if classes else ""
    size = f'width="{number(rect.width)}" height="{number(rect.height)}"'
    return f'<rect {name}x="{number(rect.x)}" y="{number(rect.y)}" {size} rx="{number(radius)}"/>'


def number(value: float) -> str:
    """A number as short as it can be."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
