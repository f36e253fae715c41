"""Convert SVG to PNG with resvg (the extra `pictures`)."""

from __future__ import annotations

from ..base.diagnostics import FlowError
from .layout import MISSING_LIBRARY

_ZOOM = 2.0


def png(svg: str) -> bytes:
    """Return the picture as a PNG file, twice as large. Raises FlowError without resvg-py."""
    try:
        import resvg_py
    except ImportError:
        raise FlowError.of(
            "PNG needs the library resvg-py",
            code=MISSING_LIBRARY,
            hint="pip install 'flowdsl[pictures]', or write SVG",
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=_ZOOM, font_family="Liberation Sans"))
