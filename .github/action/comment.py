"""Say in the pull request what the steps of action.yml have found: one comment for each title, updated by each run.

Takes the folder with their results. The text also goes to the job's summary. Where the token may not write, as for a
pull request from a fork, only the summary has it. Needs nothing but Python's own library.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LONGEST = 60_000
"""GitHub refuses comments of more than 65,536 characters."""
LAST_LINES = 60
"""How much of the output of tests a comment has."""


def body(title: str, results: Path) -> str:
    """The comment, with the mark by which the next run finds it."""
    text = "\n\n".join([mark(title), f"### {_plain(title)}", *_check(results), *_tests(results)])
    return "\n\n".join([text, *_diff(results, LONGEST - len(text))]) + "\n"


def mark(title: str) -> str:
    return f"<!-- flowdsl: {re.sub(r'[^A-Za-z0-9 ._/]', '_', title)} -->"


def _check(results: Path) -> Iterator[str]:
    code = (results / "check.code").read_text().strip()
    try:
        problems = json.loads((results / "check.json").read_text())
    except ValueError:
        yield f"**`flowdsl check` did not run** (exit code {code}): see the job's log."
        return
    counts = [sum(each["severity"] == kind for each in problems) for kind in ("error", "warning")]
    parts = [f"{n} {kind}{'s' * (n > 1)}" for n, kind in zip(counts, ("error", "warning"), strict=True) if n]
    yield f"**{'❌' if code != '0' else '⚠️' if problems else '✅'} {' and '.join(parts) or 'No mistakes found'}**"
    if problems:
        yield _block("\n".join(map(_problem, problems)))


def _problem(problem: dict[str, Any]) -> str:
    place = f"{problem['file']}:{problem['line']}" if "file" in problem else problem["path"]
    first = f"{place + ': ' if place else ''}{problem['severity']} {problem['code']} {problem['message']}"
    return "\n".join([first, *(f"  = {line}" for line in problem.get("hint", "").splitlines())])


def _tests(results: Path) -> Iterator[str]:
    if not (results / "tests.code").exists():
        return
    failed = (results / "tests.code").read_text().strip() != "0"
    lines = (results / "tests.log").read_text(errors="replace").rstrip().splitlines()
    yield f"**{'❌ Snapshots differ, or their tests fail' if failed else '✅ Snapshots agree'}**"
    if failed:
        yield _block("\n".join(lines[-LAST_LINES:]))
        yield "If the change is meant, run `pytest --snapshot-update` and commit the snapshots."


def _diff(results: Path, room: int) -> Iterator[str]:
    """What `flowdsl diff` says, which is Markdown already, in as many characters; pictures go first."""
    file = results / "diff.md"
    if file.exists() and (text := file.read_text().strip()):
        yield "#### What the change means"
        if len(text) > room:
            text = re.sub(r"<details><summary>Picture</summary>.*?</details>\s*", "", text, flags=re.DOTALL)
        if len(text) > room:
            text = text[: max(room, 0)].rpartition("\n- ")[0] + "\n\n*The rest is too long for a comment.*"
        yield text
    if (results / "diff.failed").exists():
        names = ", ".join(filter(None, (results / "diff.failed").read_text().splitlines()))
        which = f" for {_plain(names)}" if names else ""
        yield f"`flowdsl diff` could not compare with the base{which}: see the job's log."


def _block(text: str) -> str:
    """Text of strangers as code: with a fence that it does not end."""
    if len(text) > LONGEST // 3:
        text = text[: LONGEST // 3] + "\n…"
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}text\n{text}\n{fence}"


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#@|])", r"\\\1", " ".join(text.split()))


def _call(method: str, path: str, value: object = None) -> Any:
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    request = urllib.request.Request(  # noqa: S310 - GitHub's own address
        f"{api}{path}",
        method=method,
        data=None if value is None else json.dumps(value).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def _earlier(comments: str, title: str) -> int | None:
    """The comment of an earlier run: written by an app, so that nobody else's is overwritten."""
    page = 1
    while True:
        batch = _call("GET", f"{comments}?per_page=100&page={page}")
        for each in batch:
            if each["user"]["type"] == "Bot" and each["body"].startswith(mark(title)):
                return int(each["id"])
        if len(batch) < 100:
            return None
        page += 1


def write(title: str, text: str, number: int) -> None:
    """Write or update the comment. Source: GitHub's REST API, "REST API endpoints for issue comments"."""
    issues = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    earlier = _earlier(f"{issues}/{number}/comments", title)
    if earlier is None:
        _call("POST", f"{issues}/{number}/comments", {"body": text})
    else:
        _call("PATCH", f"{issues}/comments/{earlier}", {"body": text})


def main(results: Path) -> None:
    title = os.environ["TITLE"]
    text = body(title, results)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text())
    if os.environ.get("COMMENT") == "false" or "pull_request" not in event:
        return
    try:
        write(title, text, event["pull_request"]["number"])
    except (urllib.error.URLError, TimeoutError) as error:
        sys.stdout.write(f"::notice title=flowdsl::no comment on the pull request: {error}; the job's summary has it\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
