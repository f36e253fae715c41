"""`make conformance`: how far the engine and TestState agree with Step Functions, and JSONata with its own suite."""

from __future__ import annotations

import sys
from collections import Counter

from tests.conformance_data import IS_RECORDED, ROOT

from . import jsonata_suite, tested_states
from .cases import PARTS, Verdict, executions, judge
from .known_failures import KNOWN_FAILURES

_OWN = "small set of cases; the recordings of the service were not found"
_FORMAT = "Set FLOWDSL_CONFORMANCE to a folder of recordings; docs/conformance.md documents its format."


def main() -> int:
    if not (ROOT / "executions").is_dir():
        print(f"FLOWDSL_CONFORMANCE={ROOT} has no folder executions/: {_FORMAT}", file=sys.stderr)  # noqa: T201
        return 2
    if not IS_RECORDED:
        print(f"These are flowdsl's own {_OWN}. {_FORMAT}\n", file=sys.stderr)  # noqa: T201
    verdicts = [*map(judge, executions()), *tested_states.judge()]
    print(table(verdicts))  # noqa: T201 - the table is the command's result
    if jsonata_suite.suite_folder() is None:
        print(jsonata_suite.NO_SUITE, file=sys.stderr)  # noqa: T201
    else:
        suite = list(jsonata_suite.judge())
        print(suite_line(suite))  # noqa: T201 - as above
        verdicts += suite
    unknown = [verdict for verdict in verdicts if verdict.differs and verdict.case not in KNOWN_FAILURES]
    for verdict in unknown:
        print(f"{verdict.case}\n    {verdict.differs}", file=sys.stderr)  # noqa: T201
    return 1 if unknown else 0


def suite_line(verdicts: list[Verdict]) -> str:
    """How many cases of JSONata's own suite agree."""
    cases = [verdict for verdict in verdicts if not verdict.skipped]
    passed = sum(verdict.differs is None for verdict in cases)
    skipped = f"{len(verdicts) - len(cases)} with $eval skipped"
    return f"{passed} of {len(cases)} cases of JSONata 2.0.6's own suite agree ({skipped})"


def table(verdicts: list[Verdict]) -> str:
    """Cases and how many of them agree, by area; then the parts in which the others differ first."""
    cases: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    differing: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        if verdict.skipped:
            skipped[verdict.area] += 1
            continue
        cases[verdict.area] += 1
        passed[verdict.area] += verdict.differs is None
        if verdict.part:
            differing[verdict.area, verdict.part] += 1
    lines = [f"{'area':24}{'cases':>7}{'passed':>8}{'skipped':>9}" + "".join(f"{part:>8}" for part in PARTS)]
    for area in sorted(cases | skipped):
        parts = "".join(f"{differing[area, part] or '':>8}" for part in PARTS)
        lines.append(f"{area:24}{cases[area]:7}{passed[area]:8}{skipped[area] or '':>9}{parts}")
    lines.append("")
    lines.append("the columns on the right count the cases that differ first in that part")
    lines.append(f"{passed.total()} of {cases.total()} recorded cases agree")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
