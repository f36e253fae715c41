"""Convert SVG to PNG with resvg (the extra `pictures`)."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..base.diagnostics import FlowError
from .layout import MISSING_LIBRARY

_ZOOM = 2.0
_FAMILIES = (
    *("Liberation Sans", "Arial", "Helvetica", "Nimbus Sans", "Arimo", "DejaVu Sans", "Noto Sans", "Segoe UI"),
    *("Roboto", "Verdana", "FreeSans", "Open Sans", "Ubuntu", "Cantarell", "Inter", "Lato", "Source Sans 3"),
)
"""Fonts without serifs of the usual systems, the best first: those of Helvetica's widths."""


def png(svg: str) -> bytes:
    """Return the picture as a PNG file, twice as large.

    Raises FlowError without resvg-py, and if none of the usual fonts is installed: the picture would have no text.
    """
    try:
        import resvg_py
    except ImportError:
        raise FlowError.of(
            "PNG needs the library resvg-py",
            code=MISSING_LIBRARY,
            hint="pip install 'flowdsl[pictures]', or write SVG",
        ) from None
    family = _installed_family(resvg_py)
    if family is None:
        raise FlowError.of(
            "PNG needs a font for its texts, and none of the usual ones is installed",
            code=MISSING_LIBRARY,
            hint="install one, such as Debian's package fonts-liberation, or write SVG",
        )
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=_ZOOM, font_family=family, sans_serif_family=family))


@cache
def _installed_family(resvg: Any) -> str | None:
    """The first of the usual fonts that draws a letter; None if there is none."""
    probe = "<svg xmlns='http://www.w3.org/2000/svg' width='16' height='16'>{}</svg>"
    empty = resvg.svg_to_bytes(svg_string=probe.format(""), skip_system_fonts=True)
    for family in _FAMILIES:
        letter = probe.format(f"<text y='14' font-family='{family}'>M</text>")
        if resvg.svg_to_bytes(svg_string=letter, font_family=family, sans_serif_family=family) != empty:
            return family
    return None
