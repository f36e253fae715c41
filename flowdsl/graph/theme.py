"""Colours, and the style sheet of a picture: light and dark.

Colours are written out in each rule, because programs that convert SVG know no CSS variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from .fonts import FAMILY

Palette = Mapping[str, str]
Theme = Literal["auto", "light", "dark"]

LIGHT: Final[Palette] = {
    "background": "#ffffff",
    "card": "#ffffff",
    "border": "#c3ccd8",
    "ink": "#16202c",
    "muted": "#5b6878",
    "line": "#6b7a8d",
    "lane": "#ffffff",
    "catch": "#c2410c",
    "retry": "#8a5a00",
    "Task": "#3f5fd9",
    "Wait": "#b45309",
    "Pass": "#64748b",
    "Choice": "#7c3aed",
    "Parallel": "#0f766e",
    "Map": "#0369a1",
    "Succeed": "#15803d",
    "Fail": "#c81e1e",
    "none": "#c81e1e",
    "added": "#16a34a",
    "removed": "#dc2626",
    "changed": "#d97706",
    "reached": "#15803d",
    "failed": "#dc2626",
    "waiting": "#d97706",
    "missed": "#94a3b8",
    "quiet": "#94a3b8",
}
DARK: Final[Palette] = {
    "background": "#0f1620",
    "card": "#18222f",
    "border": "#3a495c",
    "ink": "#e8eef5",
    "muted": "#9fb0c3",
    "line": "#8496ab",
    "lane": "#121b27",
    "catch": "#fb923c",
    "retry": "#e5b456",
    "Task": "#6f8cff",
    "Wait": "#e08a2e",
    "Pass": "#8496ab",
    "Choice": "#a57bff",
    "Parallel": "#2db3a4",
    "Map": "#38a3dd",
    "Succeed": "#34b362",
    "Fail": "#f05252",
    "none": "#f05252",
    "added": "#34d058",
    "removed": "#f97583",
    "changed": "#f0a832",
    "reached": "#34b362",
    "failed": "#f05252",
    "waiting": "#f0a832",
    "missed": "#64748b",
    "quiet": "#64748b",
}
TYPES: Final = ("Task", "Wait", "Pass", "Choice", "Parallel", "Map", "Succeed", "Fail", "none")
TONES: Final = ("added", "removed", "changed", "reached", "failed", "waiting")
FAINT: Final = ("missed", "quiet")


def style_sheet(theme: Theme = "auto") -> str:
    """The style of a picture in a file of its own; `auto` is dark where the reader's system is dark."""
    if theme != "auto":
        return "\n".join([*_shapes(), *colours(DARK if theme == "dark" else LIGHT)]) + "\n"
    dark = "".join(f"  {line}\n" for line in colours(DARK))
    return "\n".join([*_shapes(), *colours(LIGHT)]) + f"\n@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def page_style() -> str:
    """The style of a picture in a page of HTML, which chooses light or dark by `data-theme`."""
    dark = [line.replace(".flow ", "[data-theme=dark] .flow ") for line in colours(DARK)]
    return "\n".join([*_shapes(), *colours(LIGHT), *dark]) + "\n"


def _shapes() -> list[str]:
    """The rules without colours."""
    return [
        f".flow text {{ font-family: {FAMILY}; }}",
        ".flow .name { font-size: 13px; font-weight: bold; }",
        ".flow .small { font-size: 11px; }",
        ".flow .tiny { font-size: 10px; }",
        ".flow .badge { font-size: 10px; font-weight: bold; fill: #ffffff; }",
        ".flow .heading { font-size: 18px; font-weight: bold; }",
        ".flow .glyph { fill: none; stroke: #ffffff; stroke-width: 1.7; }",
        ".flow .glyph, .flow .chip path { stroke-linecap: round; stroke-linejoin: round; }",
        ".flow .line { fill: none; stroke-width: 1.5; stroke-linejoin: round; }",
        ".flow .catch .line { stroke-dasharray: 5 4; }",
        ".flow .shape { stroke-width: 1.3; }",
        ".flow .missing .shape { stroke-dasharray: 5 4; }",
        ".flow .lane rect { stroke-width: 1; }",
        ".flow .chip rect, .flow .chip path { fill: none; stroke-width: 1.1; stroke-linecap: round; }",
        ".flow .chip rect { stroke-opacity: 0.55; }",
        ".flow .marked .shape { stroke-width: 2.4; }",
        ".flow .marked .line { stroke-width: 2.6; }",
        ".flow .stay.marked .bar { stroke-width: 2; }",
        ".flow .fault circle { stroke-width: 1.5; }",
        ".flow .faint, .flow .label.faint text { opacity: 0.38; }",
        ".flow .label.faint { opacity: 1; }",
        ".flow .tint { fill-opacity: 0.07; }",
    ]


def colours(palette: Palette) -> list[str]:
    """The rules with the colours of a palette."""
    rules = [
        ".flow .background, .flow .label rect, .flow .pause { fill: BACKGROUND; }",
        ".flow .shape { fill: CARD; stroke: BORDER; }",
        ".flow .lane rect { fill: LANE; stroke: BORDER; }",
        ".flow text { fill: INK; }",
        ".flow .muted { fill: MUTED; }",
        ".flow .line { stroke: LINE; }",
        ".flow .head, .flow .dot { fill: LINE; }",
        ".flow .ring { fill: BACKGROUND; stroke: LINE; }",
        ".flow .axis { stroke: BORDER; }",
        ".flow .fault circle { fill: FAILED; stroke: BACKGROUND; }",
        ".flow .catch .line { stroke: CATCH; }",
        ".flow .catch .head, .flow .catch text { fill: CATCH; }",
        ".flow .retry.chip rect, .flow .retry.chip path { stroke: RETRY; }",
        ".flow .retry.chip text { fill: RETRY; }",
        ".flow .catch.chip rect, .flow .catch.chip path { stroke: CATCH; }",
    ]
    for name, colour in palette.items():
        rules = [rule.replace(f" {name.upper()};", f" {colour};") for rule in rules]
    for kind in TYPES:
        colour = palette[kind]
        rules += [f".flow .{kind} .tile, .flow .{kind} .tint, .flow .{kind} .bar {{ fill: {colour}; }}"]
        if kind not in ("Task", "Pass"):
            rules.append(f".flow .{kind} .shape {{ stroke: {colour}; }}")
    for tone in TONES + FAINT:
        colour = palette[tone]
        rules += [
            f".flow .{tone} > .shape, .flow .{tone} > .line, .flow .{tone} > .bar {{ stroke: {colour}; }}",
            f".flow .{tone} > .head, .flow .{tone} > .mark rect {{ fill: {colour}; }}",
        ]
    return rules
