"""Run a command again and again, each time with Ctrl-C at another moment: `python interrupting.py MOMENTS WORD...`.

A moment is the call of a Python function, or the end of a call of a C function: there Python looks for signals. Each
run is a fork of this process, which has imported nothing of flowdsl, in a copy of the current folder, with folders of
its own for notes and temporary files. Prints the outcomes as a JSON array: that without Ctrl-C first, then those of as
many moments, spread evenly over the command.
"""

import atexit
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CACHES = {"__pycache__"}
MAX_SECONDS = 120
"""Of one run; it is killed then."""


def sweep(moments: int, words: list[str]) -> Iterator[dict[str, Any]]:
    run(words, None)  # Python keeps the byte code
    whole = run(words, None)
    yield whole
    total = whole["moments"]
    step = max(total / moments, 1.0)
    for number in range(min(moments, total)):
        yield run(words, int(step * (number + 0.5)) + 1)


def run(words: list[str], moment: int | None) -> dict[str, Any]:
    """The outcome of the command if Ctrl-C comes at that moment, or never."""
    scratch = Path(tempfile.mkdtemp())
    project, temporary, notes = (scratch / name for name in ("project", "tmp", "notes"))
    shutil.copytree(Path.cwd(), project)
    temporary.mkdir()
    notes.mkdir()
    process = os.fork()
    if not process:
        os.chdir(project)
        os.environ |= {"TMPDIR": str(temporary), "FLOWDSL_CACHE_DIR": str(scratch / "cache")}
        become(words, notes, moment)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(process, signal.SIGKILL))
    signal.alarm(MAX_SECONDS)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    texts = {note.name: note.read_text() for note in notes.iterdir()}
    outcome = {
        "code": code,
        "stderr": texts["stderr"],
        "moments": int(texts.get("moments", 0)),
        "place": texts.get("place"),
        "files": contents(project),
        "left": sorted(contents(temporary)),
    }
    shutil.rmtree(scratch)
    return outcome


def become(words: list[str], notes: Path, moment: int | None) -> None:
    """Become the command; leaves by an exception, as its process does, into Python's own end."""
    for number, name in enumerate((os.devnull, notes / "stdout", notes / "stderr")):
        file = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    tempfile.tempdir = None
    sys.argv = ["flowdsl", *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from flowdsl.__main__ import main

    count = 0

    def watch(frame: Any, event: str, _: object) -> None:
        nonlocal count
        if event in ("call", "c_return"):
            count += 1
            if count == moment:
                (notes / "place").write_text(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}")
                signal.raise_signal(signal.SIGINT)

    atexit.register(lambda: (notes / "moments").write_text(str(count)))
    sys.setprofile(watch)
    main()
    sys.exit()


def contents(folder: Path) -> dict[str, str]:
    """Files by their paths; without those that hold for one folder only."""
    files = [file for file in sorted(folder.rglob("*")) if not CACHES & {*file.parts}]
    return {str(file.relative_to(folder)): file.read_bytes().hex() if file.is_file() else "" for file in files}


if __name__ == "__main__":
    print(json.dumps([*sweep(int(sys.argv[1]), sys.argv[2:])]))  # noqa: T201 - its output
