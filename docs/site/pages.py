"""Pages of the site that are written from the code: the reference of the public names, and llms.txt.

Docstrings are plain text with Markdown's marks: their lists, code and backticks are taken as they are.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from flowdsl.author.fields import Element, specs

ROOT = Path(__file__).parents[2]
GUIDES = ("docs/tutorial.md", "docs/writing-flows.md", "docs/testing-flows.md", "docs/existing-asl.md")
"""The guides that come first; the others follow by name."""


def guides() -> list[str]:
    """The pages of the site that people write, by their paths in the repository, in the order of its menu."""
    folders = (ROOT / "docs", ROOT / "docs" / "skills" / "flowdsl", ROOT / "handlers")
    others = [str(each.relative_to(ROOT)) for folder in folders for each in sorted(folder.glob("*.md"))]
    first = ["README.md", *GUIDES]
    last = ["examples/README.md", "benchmarks/README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
    return [*first, *(each for each in others if each not in first), *last]


def public_modules() -> list[str]:
    """The modules listed in docs/architecture.md, "Public API"."""
    section = (ROOT / "docs" / "architecture.md").read_text().partition("## Public API")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(flowdsl[\w.]*)`", section, re.MULTILINE)


def reference() -> dict[str, str]:
    """The pages of the reference by their file names: one for each public module."""
    modules = {name: importlib.import_module(name) for name in public_modules()}
    pages = {f"{name}.md": _page(name, module) for name, module in modules.items()}
    entries = "\n".join(f"- [`{name}`]({name}.md): {_summary(module)}" for name, module in modules.items())
    return {"index.md": f"# Reference\n\nThe public names, from their docstrings.\n\n{entries}\n", **pages}


def llms() -> str:
    """What language models read first, as llmstxt.org proposes it: the guides with their first sentence."""
    text = (ROOT / "README.md").read_text()
    summary = " ".join(text.split("\n\n")[1].split())
    lines = ["# flowdsl", "", f"> {summary}", "", "## Guides", ""]
    for each in guides():
        title, first = _first_sentence((ROOT / each).read_text())
        lines.append(f"- [{title}]({each})" + (f": {first}" if first else ""))
    lines += ["", "## Reference", ""]
    lines += [f"- [{name}](docs/reference/{name}.md)" for name in public_modules()]
    return "\n".join(lines) + "\n"


def _first_sentence(text: str) -> tuple[str, str]:
    title, _, rest = re.sub(r"\A---\n.*?\n---\n\s*", "", text, flags=re.DOTALL).partition("\n")  # no front matter
    paragraphs = [part for part in rest.split("\n\n") if re.match(r"\s*[A-Z`]", part)]
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraphs[0].split())) if paragraphs else ""
    return title.removeprefix("# ").strip(), re.split(r"(?<=[a-z`)])[.:](?: |$)", plain)[0]


def _summary(value: Any) -> str:
    return (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")


def _page(name: str, module: Any) -> str:
    parts = [f"# {name}", inspect.getdoc(module) or ""]
    for each in module.__all__:
        value = getattr(module, each)
        parts += [f"## {each}", *_described(each, value)]
        if inspect.isclass(value):
            parts += [_fields(value), _attributes(value)]
            parts += [line for member in _members(value) for line in member]
    return "\n\n".join(part for part in parts if part) + "\n"


def _fields(value: type) -> str:
    """A table of the keywords that become fields of ASL, and what they take."""
    rows = []
    for spec in specs(value).values() if issubclass(value, Element) else ():
        names = " or ".join(f"`{name}`" for name in (spec.name, spec.path) if name)
        takes = [spec.kind.what.replace("|", "\\|")]
        takes += ["or a timedelta"] * spec.kind.is_duration + ["or JSONata"] * (spec.jsonata and not spec.language)
        takes += [f"{spec.language} only"] * bool(spec.language) + ["required"] * spec.required
        rows.append(f"| `{spec.attribute}` | {names} | {', '.join(takes)} |")
    return "\n".join(["| keyword | field | takes |", "| --- | --- | --- |", *rows]) if rows else ""


def _attributes(value: type) -> str:
    """The parameters with a text of their own below the attribute, those of the classes that it is made of, too."""
    try:
        parameters = inspect.signature(value).parameters
    except ValueError:
        return ""
    lines = []
    for each in value.__mro__:
        if each.__module__.partition(".")[0] == "flowdsl":
            [described] = ast.parse(textwrap.dedent(inspect.getsource(each))).body
            for attribute, text in pairwise(getattr(described, "body", [])):
                if isinstance(attribute, ast.AnnAssign) and isinstance(text, ast.Expr):
                    name, own = ast.unparse(attribute.target), ast.literal_eval(text.value)
                    lines += [f"- `{name}`: {' '.join(inspect.cleandoc(own).split())}"] if name in parameters else []
    return "\n".join(lines)


def _members(value: type) -> Iterator[list[str]]:
    for name, member in vars(value).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if name.startswith("_") or not (inspect.isfunction(function) or isinstance(function, property)):
            continue
        if function.__doc__:
            yield [f"### {value.__name__}.{name}", *_described(name, function)]


def _described(name: str, value: Any) -> list[str]:
    signature = ""
    if inspect.isclass(value) or inspect.isroutine(value):
        try:
            signature = f"```python\n{name}{_short(inspect.signature(value))}\n```"
        except ValueError:
            signature = ""
    if _is_plain(value):
        return [_constant(name, value)]
    own = inspect.getdoc(value) if not inspect.isclass(value) or value.__doc__ else ""
    return [signature, own or ""]


def _constant(name: str, value: Any) -> str:
    text = f"{name} = {value!r}"
    return f"```python\n{text}\n```" if len(text) <= 200 and "<" not in text else ""


def _is_plain(value: Any) -> bool:
    """True for a constant, whose docstring is that of its type."""
    return isinstance(value, str | int | float | tuple | frozenset | dict | list)


def _short(signature: inspect.Signature) -> str:
    """The signature, a parameter a line if it is long, without defaults that only Python could read."""
    text = re.sub(r"<[\w.]+ object at 0x[0-9a-f]+>|<function [^>]*>|<lambda>", "…", str(signature))
    text = re.sub(r"(: |-> )(?:'([^']*)'|\"([^\"]*)\")", lambda match: match[1] + (match[2] or match[3] or ""), text)
    text = re.sub(r"^\((self|cls)(, |(?=\)))", "(", text)
    text = re.sub(r"\bflowdsl\.[\w.]*\.(?=\w)", "", text)
    if len(text) <= 100:
        return text
    inside, _, after = text[1:].rpartition(")")
    return "(\n" + "".join(f"    {each},\n" for each in _split(inside)) + f"){after}"


def _split(text: str) -> list[str]:
    """The parameters of a signature: divided at commas that are not inside brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        quote = "" if letter == quote else quote or (letter if letter in "'\"" else "")
        depth += (letter in "([{") - (letter in ")]}") if not quote else 0
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
