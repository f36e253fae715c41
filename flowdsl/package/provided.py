"""What Lambda's Python runtimes contain, which zips need not carry.

A runtime has boto3 and what it needs, in versions that depend on the runtime and the region and change over time, so
they cannot be listed here. Source: Lambda Developer Guide, "Building Lambda functions with Python", "Runtime-included
SDK versions".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..base.record import Record

if TYPE_CHECKING:
    from importlib.metadata import Distribution

SDK: Final = frozenset({"boto3", "botocore"})
"""The packages that Lambda promises. A handler may import them without a requirement."""
PROVIDED: Final = SDK | {"s3transfer", "jmespath", "python-dateutil", "urllib3", "six"}
"""The SDK and the packages that it brings along, by normalized name."""


class Split(Record):
    """Installed files by their paths in the zip, and what is left to the runtime: locked version by name."""

    files: dict[str, Path]
    from_runtime: dict[str, str]


def leave_to_runtime(
    files: Mapping[str, Path], target: Path, imported: Collection[str], platform: Mapping[str, str]
) -> Split:
    """Leave out what the runtime provides of an installation in `target`.

    A package stays if another one that stays needs it, or if the function's own code imports it (`imported`, names of
    modules) and it is not the SDK itself: nobody promises in which version the runtime has it. `platform` has the
    target's values for the markers of requirements.
    """
    by_name = dict(_distributions(target))
    needed = [name for name in by_name if name not in PROVIDED]
    needed += [name for name in PROVIDED - SDK if name in by_name and _modules(by_name[name]) & set(imported)]
    kept: set[str] = set()
    while needed:
        name = needed.pop()
        if name in by_name and name not in kept:
            kept.add(name)
            needed += _requirements(by_name[name], platform)
    left = {name: each for name, each in by_name.items() if name not in kept}
    dropped = {path for each in left.values() for path in _paths(each)}
    return Split(
        {path: file for path, file in files.items() if path not in dropped},
        {name: each.version for name, each in sorted(left.items())},
    )


def _distributions(target: Path) -> Iterator[tuple[str, Distribution]]:
    from importlib.metadata import PathDistribution  # a build of definitions alone does without

    from packaging.utils import canonicalize_name

    for folder in sorted(target.glob("*.dist-info")):
        distribution = PathDistribution(folder)
        yield canonicalize_name(distribution.name), distribution


def _requirements(distribution: Distribution, platform: Mapping[str, str]) -> Iterator[str]:
    """Names of the packages that a distribution needs without any of its extras."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({**platform, "extra": ""}):
            yield canonicalize_name(requirement.name)


def _paths(distribution: Distribution) -> list[str]:
    """The files of a distribution, relative to the installation: its RECORD's, which is a CSV file."""
    import csv

    return [row[0] for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()) if row]


def _modules(distribution: Distribution) -> set[str]:
    return {path.partition("/")[0].removesuffix(".py") for path in _paths(distribution)}
