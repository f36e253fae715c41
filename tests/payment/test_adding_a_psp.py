"""Adding a PSP as docs/payment-flow.md says breaks no test, and its donations are paid."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOWS = [file.name for file in ROOT.glob("*_flow.py")]
SHIPPED = ("pyproject.toml", *FLOWS, "README.md", "handlers", "examples", "benchmarks", "docs")

pytestmark = pytest.mark.slow


def run(folder: Path, *arguments: str, **variables: str) -> str:
    """Run Python in the copy, where `handlers` and the flows are those of the copy."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), **variables}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name}: {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with a fifth PSP: the steps of docs/payment-flow.md, one after the other."""
    folder = tmp_path / "project"
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "conformance"))
    # 1 to 4: a folder with handler.py, provider.py, codes.py and requirements; the smallest example is the sandbox.
    psp = folder / "handlers" / "psp_toy"
    shutil.copytree(folder / "handlers" / "psp_sandbox", psp)
    for file in psp.iterdir():
        text = file.read_text(encoding="utf-8").replace("psp_sandbox", "psp_toy").replace("psp-sandbox", "psp-toy")
        file.write_text(text, encoding="utf-8")
    # 5: PSPS in payment_flow.py.
    stripe = '    Function("payment-psp-stripe", "handlers/psp_stripe", timeout=PSP_FUNCTION),\n'
    toy = '    Function("payment-psp-toy", "handlers/psp_toy", timeout=PSP_FUNCTION, access=[SANDBOX]),\n'
    replace(folder / "payment_flow.py", stripe, stripe + toy)
    # 6: the routing, enabled and with the largest share of the cards.
    with (folder / "handlers" / "select_psp" / "psps.toml").open("a", encoding="utf-8") as routing:
        routing.write('\n[psp_toy]\nfunction = "payment-psp-toy"\nenabled = true\npercentage = 9900\n')
    return folder


def test_a_fifth_psp(project: Path) -> None:
    shipped = str(project / "handlers" / "select_psp" / "psps.toml")
    # 7: the check, which has the routing, too.
    assert "no mistakes found" in run(project, "flowdsl", "check", PSPS=shipped)
    donation = str(project / "examples" / "donation.json")
    output = run(
        project,
        "flowdsl",
        "run",
        "payment_flow.py",
        "--input",
        donation,
        PSPS=shipped,
        PAYMENTS_DATA=str(project / "data"),
    )
    assert '"psp": "psp_toy"' in output
    tests = (
        "payment/test_outcomes.py",
        "handlers/test_select_psp.py",
        "handlers/test_requirements.py",
        "test_snapshots.py",
    )
    result = run(
        project, "pytest", "-q", "-p", "no:cacheprovider", "-k", "not picture", *(f"tests/{each}" for each in tests)
    )
    assert " passed" in result
    assert "failed" not in result
