"""Write the repository's address into pyproject.toml and README.md, of which PyPI shows a release's page.

    python .github/release/addresses.py https://github.com/OWNER/REPOSITORY v1.2.3

Links to files of the repository lead to those of the release. Nothing is committed: only what is built has them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def urls(repository: str, tag: str) -> str:
    """The table [project.urls]. Source: packaging.python.org, "Well-known Project URLs in Metadata"."""
    return f"""
[project.urls]
Source = "{repository}"
Documentation = "{repository}/tree/{tag}/docs"
Issues = "{repository}/issues"
Changelog = "{repository}/blob/{tag}/CHANGELOG.md"
"""


def absolute(text: str, repository: str, tag: str) -> str:
    """README.md with whole addresses of files and pictures, and with the commands of those who have no clone."""
    text = re.sub(r"(!\[[^\]]*\]\()(?!https?:|#)", rf"\g<1>{repository}/raw/{tag}/", text)
    text = re.sub(r"((?<!!)\[[^\]]*\]\()(?!https?:|#)", rf"\g<1>{repository}/blob/{tag}/", text)
    return text.replace("pip install '.[", "pip install 'flowdsl[")


def main(repository: str, tag: str) -> None:
    project, readme = Path("pyproject.toml"), Path("README.md")
    settings = project.read_text(encoding="utf-8")
    if "[project.urls]" not in settings:
        project.write_text(settings + urls(repository, tag), encoding="utf-8")
    readme.write_text(absolute(readme.read_text(encoding="utf-8"), repository, tag), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
