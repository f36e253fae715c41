"""Measure, and print the result."""

from __future__ import annotations

import sys
from collections import Counter

from .measuring import is_at_line, measure


def main() -> None:
    words = [each for each in sys.argv[1:] if not each.startswith("-")]
    seed, count = int(words[0]) if words else 1, int(words[1]) if len(words) > 1 else 300
    totals: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for host, edit, new in measure(False, seed, count):
        exact = is_at_line(edit, new)
        totals.update(bugs=1, found=bool(new), exact=exact, crashes=any(each.code == "CRASH" for each in new))
        kinds.update({(edit.kind, "bugs"): 1, (edit.kind, "found"): bool(new), (edit.kind, "line"): exact})
        if "--missed" in sys.argv and not exact:
            messages = "; ".join(f"{e.code} {e.span.line if e.span else '?'} {e.message[:70]}" for e in new[:3])
            where = " ".join(f"{line}" for _, line in sorted(edit.places)[:6])
            print(f"{host.flow}: {edit.file}: {where}: {edit.kind}: {edit.what}: {messages or 'MISSED'}")
    for kind in sorted({kind for kind, _ in kinds}):
        counts = [kinds[kind, each] for each in ("bugs", "found", "line")]
        print(f"{kind:20} {counts[0]:4} bugs {counts[1]:4} found {counts[2]:4} at the line")
    bugs, hits, exact = totals["bugs"], totals["found"], totals["exact"]
    print(f"found {hits} of {bugs} ({hits / bugs:.1%}), at the line {exact} of {hits} ({exact / max(1, hits):.1%})")
    edits = measure(True, seed, count)
    alarms = [(host, edit, new) for host, edit, new in edits if new]
    for host, edit, new in alarms:
        print(f"false alarm: {host.flow} {edit.file} {edit.kind} {edit.what}: {new[0].code} {new[0].message}")
    print(f"{len(alarms)} false alarms in {len(edits)} correct edits; {totals['crashes']} crashes")


if __name__ == "__main__":
    main()
