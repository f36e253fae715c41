"""Each public report about deployments that we know of has a test that names it."""

import os
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPORTS = Path(os.environ.get("FLOWDSL_REPORTS", HERE.parents[1].parent / "shared" / "REPORTS.md"))


def named(report: str) -> bool:
    return any(re.search(rf"\b{report}\b", file.read_text()) for file in HERE.glob("*.py") if file != Path(__file__))


def test_each_report_has_a_test():
    if not REPORTS.is_file():
        pytest.skip("no collection of reports: set FLOWDSL_REPORTS")
    part = REPORTS.read_text().split("## A.")[1].split("\n## ")[0]
    reports = re.findall(r"^\*\*(A\d+)\.", part, re.MULTILINE)
    assert len(reports) > 15
    assert [each for each in reports if not named(each)] == []
