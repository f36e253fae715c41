"""The pytest plugin, in pytest runs of their own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

FLOW = """
from flowdsl import Choice, Function, StateMachine, Task, Wait, catch, chain, fail, goto, retry, when

work = Task(
    "Work",
    Function("work", "handlers/work"),
    into="work",
    retry=[retry("Busy", interval=1, max_attempts=1)],
    catch=[catch("States.ALL", fail("Failed", error="Failed"))],
)
machine = StateMachine(
    "shop", chain(work, Choice("Again", when(work.out.status == "again", Wait("Pause", seconds=60), goto(work))))
)
"""
TESTS = """
import pytest
from flowdsl.testing import ExecutionFailed, StepType, fail, run_to_completion

def test_real(flow):
    run = flow.run({"status": "done"})
    assert run.output["work"] == {"status": "done"}
    assert run.history.succeeded(StepType.LAMBDA) == {"Work": 1}

def test_again(flow):
    flow.mock("Work", fail("Busy"), {"status": "again"})
    run = flow.run({"status": "done"})
    assert run.waited("Pause") == 60
"""
FAILING = """
import pytest
from flowdsl.testing import ExecutionFailed, fail

def test_failed(flow):
    flow.mock("work", fail("Broken"))
    with pytest.raises(ExecutionFailed, match="Failed"):
        flow.run({})
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makefile(".toml", pyproject='[tool.flowdsl]\nflow = "shop_flow.py"\n[tool.pytest.ini_options]\n')
    pytester.makepyfile(shop_flow=FLOW)
    handlers = pytester.mkpydir("handlers")
    (handlers / "work").mkdir()
    (handlers / "work" / "__init__.py").write_text("")
    (handlers / "work" / "handler.py").write_text("def handler(event, context):\n    return event\n")
    return pytester


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest with flowdsl's plugin and those that the arguments need; loading every installed one takes seconds."""
    plugins = ["flowdsl.pytest_plugin"]
    if "-n2" in arguments:
        plugins.append("xdist.plugin")
    if any("snapshot" in file.read_text() for file in pytester.path.glob("test_*.py")) and "no:syrupy" not in arguments:
        plugins.append("syrupy")
    chosen = [part for plugin in plugins for part in ("-p", plugin)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *chosen, *arguments)


def table(result: pytest.RunResult) -> list[str]:
    return next(line.split() for line in result.outlines if line.startswith("shop "))


def test_the_fixture_runs_the_projects_machine(project: pytest.Pytester) -> None:
    """Here pytest finds the plugin by itself."""
    project.makepyfile(test_it=TESTS)
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*flow coverage*")


def test_mocks_are_verified_at_the_end_of_a_test_that_runs_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import pytest

        def test_mock(flow):
            flow.mock("Wrok", returns={})

        def test_answer(flow):
            flow.answer("Wrok", {})

        def test_known(flow):
            flow.mock("Work", returns={})

        def test_expected(flow):
            flow.mock("Wrok", returns={})
            with pytest.raises(LookupError):
                flow.run({})
        """
    )
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines(["*has no Task or function 'Wrok'; did you mean 'Work'?*"])


def test_another_machine_by_overriding_a_fixture(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def flow_machine():
            return {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 5, "End": True}}}

        def test_other(flow):
            assert flow.run({}).output == 5
        """
    )
    run(project).assert_outcomes(passed=1)


def test_coverage_is_reported_with_lines(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=TESTS)
    result = run(project, "--flow-coverage")
    result.assert_outcomes(passed=2)
    assert table(result) == ["shop", "2", "4/5", "2/2", "1/1", "0/1", "77.7%"]
    failed = next(number for number, line in enumerate(FLOW.strip().splitlines(), 1) if "catch=" in line)
    result.stdout.fnmatch_lines(
        [
            "*= flow coverage =*",
            "machine  runs  states  branches  retry  catch  covered",
            "shop: not covered",
            f"  shop_flow.py:{failed}  Work: Catch of States.ALL, to Failed",
            f"  shop_flow.py:{failed}  state Failed",
        ]
    )


def test_coverage_adds_up_over_xdist_workers(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=TESTS, test_failing=FAILING)
    alone = run(project, "--flow-coverage", "--flow-cover-fail-under=100")
    spread = run(project, "--flow-coverage", "--flow-cover-fail-under=100", "-n2")
    assert alone.ret == spread.ret == 0
    assert table(alone) == table(spread) == ["shop", "3", "5/5", "2/2", "1/1", "1/1", "100%"]


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_the_threshold_fails_the_session(project: pytest.Pytester, workers: list[str]) -> None:
    project.makepyfile(test_it=TESTS)
    result = run(project, "--flow-cover-fail-under=80", *workers)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAIL: flow coverage of 77.78% is less than 80%"])
    assert run(project, "--flow-cover-fail-under=77").ret == 0


def test_the_threshold_in_the_project_file(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=TESTS)
    settings = project.path / "pyproject.toml"
    settings.write_text(settings.read_text() + '\nflow_cover_fail_under = "80"\n')
    result = run(project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert run(project, "--flow-cover-fail-under=50").ret == 0, "the command line goes before"
    settings.write_text(settings.read_text().replace('"80"', '"most"'))
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*flow_cover_fail_under: expected a number such as 95, not 'most'*"])


def test_a_machine_that_no_test_runs_is_not_covered(project: pytest.Pytester) -> None:
    project.makepyfile("def test_nothing(): pass")
    result = run(project, "--flow-cover-fail-under=1")
    assert table(result) == ["shop", "0", "0/5", "0/2", "0/1", "0/1", "0%"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_no_machine_at_all(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    result = run(pytester, "--flow-coverage")
    result.stdout.fnmatch_lines(["no state machine was run"])
    assert run(pytester, "--flow-cover-fail-under=1").ret == pytest.ExitCode.TESTS_FAILED


def test_a_flow_that_cannot_be_loaded(project: pytest.Pytester) -> None:
    project.makepyfile("def test_nothing(): pass")
    (project.path / "shop_flow.py").write_text("machine = 1 / 0\n")
    result = run(project, "--flow-coverage")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the flow of [[]tool.flowdsl] cannot be loaded: shop_flow.py:1:*ZeroDivisionError*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


OTHER = """
import pytest

@pytest.fixture
def flow_machine():
    return {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}

def test_other(flow):
    flow.run({})
"""


def test_which_machines_are_reported(project: pytest.Pytester) -> None:
    """Those of the project; others where they are named, or where the project names none."""
    project.makepyfile(test_it=TESTS, test_other=OTHER)
    result = run(project, "--flow-coverage")
    result.stdout.no_fnmatch_line("StateMachine *")
    result = run(project, "--flow-coverage", "--flow-cover-machine=State*")
    result.stdout.fnmatch_lines(["StateMachine *100%"])
    result.stdout.no_fnmatch_line("shop *")
    (project.path / "pyproject.toml").write_text("")
    (project.path / "test_it.py").unlink()
    run(project, "--flow-coverage").stdout.fnmatch_lines(["StateMachine *100%"])


def test_coverage_as_json(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=TESTS)
    assert run(project, "--flow-cover-json=coverage.json").ret == 0
    written = json.loads((project.path / "coverage.json").read_text())
    assert written["percent"] == pytest.approx(700 / 9)
    missing = [item["path"] for item in written["machines"]["shop"]["items"] if not item["reached"]]
    assert missing == ["/States/Work/Catch[0]", "/States/Failed"]


def test_coverage_that_cannot_be_written_fails_the_run(project: pytest.Pytester) -> None:
    result = run(project, "--flow-cover-json=nowhere/coverage.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["nowhere/coverage.json cannot be written: No such file or directory"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_run_to_completion_counts_too(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from flowdsl.testing import run_to_completion

        def test_it(monkeypatch):
            monkeypatch.delenv("STATE_MACHINE_ARN", raising=False)
            output, history = run_to_completion("one", {"status": "done"})
            assert output["work"] == {"status": "done"}
            assert history.entered()["Work"] == 1
        """
    )
    assert table(run(project, "--flow-coverage"))[1:3] == ["1", "3/5"]


def test_an_unmocked_call_fails_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def flow_machine():
            call = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True, "Parameters": {}}
            return {"StartAt": "Tell", "States": {"Tell": call}}

        def test_other(flow):
            flow.run({})
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*state 'Tell' calls arn:aws:states:::sns:publish, which is neither mocked*"])
    result.stdout.no_fnmatch_line("*scheduler.py*")


# -- failing tests


def test_a_failing_test_shows_the_route_before_the_logs(project: pytest.Pytester) -> None:
    handler = (
        "import logging\ndef handler(event, context):\n    logging.error('a page of logs')\n    raise KeyError('x')\n"
    )
    (project.path / "handlers" / "work" / "handler.py").write_text(handler)
    project.makepyfile(
        test_it="""
        def test_raises(flow):
            flow.run({})

        def test_asserts(flow):
            flow.mock("Work", returns={"status": "again"})
            flow.mock("Work", {"status": "again"}, returns={"status": "done\x1b[2J"})
            assert flow.run({}).output == 5

        def test_has_run_nothing(flow):
            assert flow is None
        """
    )
    result = run(project)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_raises _*",
            "flow = Runner('shop')",
            "E *ExecutionFailed: execution '*' ended FAILED in state 'Failed': Failed: *",
            "*- Flow shop, execution 00000000-0000-4000-8000-000000000001 -*",
            "ended in Failed, shop_flow.py:8*",
            "  Failed*",
            " *Work *Task *KeyError*",
            "*- Captured log call -*",
            "*a page of logs*",
            "*_ test_asserts _*",
            "*- Flow shop, execution 00000000-0000-4000-8000-000000000001 -*",
            " *Work *Task*",
            " *Pause *Wait *",
            "*_ test_has_run_nothing _*",
        ]
    )
    assert "- Flow" not in result.stdout.str().partition("_ test_has_run_nothing _")[2]


def test_wrong_names_show_the_tests_line_alone(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        def test_mock(flow):
            flow.mock("Wrok", returns={})
            flow.run({})

        def test_at_the_end(flow):
            flow.mock("Wrok", returns={})

        def test_history(flow):
            flow.mock("Work", returns={"status": "done"})
            flow.run({}).waited("Puase")

        def test_spent(flow):
            flow.mock("Work", returns={"status": "done"})
            flow.run({}).history.spent("Puase")
        """
    )
    result = run(project)
    result.assert_outcomes(failed=3, passed=1, errors=1)
    result.stdout.fnmatch_lines(["*state machine 'shop' has no Task or function 'Wrok'; did you mean 'Work'?"])
    result.stdout.no_fnmatch_line("*flowdsl/testing/*")
    result.stdout.no_fnmatch_line("*flowdsl/pytest_plugin*")


def test_a_project_without_a_flow_says_so_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(flow):\n    flow.run({})\n")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no state machine to run*", "*write `flow = *"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


# -- snapshots

SNAPSHOT = """
from flowdsl.project import load

def test_definition(asl_snapshot, request):
    [machine] = load(request.config.rootpath / "shop_flow.py")
    assert machine.machine == asl_snapshot(name=machine.name)
    assert machine.definition == asl_snapshot(name=machine.name)
"""


def test_a_snapshot_is_written_compared_and_shown(project: pytest.Pytester) -> None:
    project.makepyfile(test_asl=SNAPSHOT)
    assert run(project).ret == pytest.ExitCode.TESTS_FAILED, "there is none yet"
    assert run(project, "--snapshot-update", "-Werror").ret == 0
    [written] = project.path.rglob("*.asl.json")
    assert written.relative_to(project.path).as_posix() == "__snapshots__/test_asl/shop.asl.json"
    from flowdsl.asl.text import canonical_text

    definition = json.loads(written.read_text())
    assert written.read_text() == canonical_text(definition)
    assert list(definition["States"]) == ["Work", "Failed", "Again", "Pause", "End"], "as they are written"
    assert run(project, "-Werror").ret == 0

    flow = project.path / "shop_flow.py"
    flow.write_text(flow.read_text().replace("seconds=60", "seconds=90"))
    result = run(project, "-vv")  # else pytest shows the first lines only
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*~ Pause: wait: Seconds: 60 → 90", '*-*"Seconds": 60*', '*+*"Seconds": 90*'])


def test_a_snapshot_that_differs_in_the_order_of_fields_means_the_same(project: pytest.Pytester) -> None:
    project.makepyfile(test_asl=SNAPSHOT)
    assert run(project, "--snapshot-update").ret == 0
    [written] = project.path.rglob("*.asl.json")
    states = json.loads(written.read_text())["States"]
    from flowdsl.asl.text import canonical_text

    text = canonical_text({**json.loads(written.read_text()), "States": dict(reversed(states.items()))})
    written.write_text(text)
    result = run(project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    accept = "*accept it with: pytest --snapshot-update"
    result.stdout.fnmatch_lines([accept, "*= order of states in the text", "*same in meaning"])


def test_a_full_disk_leaves_the_snapshot_before(tmp_path: Path) -> None:
    file = tmp_path / "shop.asl.json"
    file.write_text("before")
    code = f"""
import resource, signal
from syrupy.data import Snapshot, SnapshotCollection
from flowdsl.testing.snapshots import AslSnapshotExtension
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
collection = SnapshotCollection(location={str(file)!r})
collection.add(Snapshot(name="shop", data="new" * 1000))
AslSnapshotExtension.write_snapshot_collection(snapshot_collection=collection)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "cannot be written: File too large" in done.stderr
    assert file.read_text() == "before"
    assert [*tmp_path.iterdir()] == [file]


def test_snapshots_that_agree_import_no_diff() -> None:
    code = "import sys, flowdsl.testing.snapshots; print(any(n.startswith('flowdsl.diff') for n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_differs_between_deployments_is_a_placeholder() -> None:
    from flowdsl.testing.snapshots import portable

    digest = "0123456789abcdef" * 4
    definition = {
        "A": "arn:aws:lambda:eu-west-1:123456789012:function:pay:42",
        "B": [f"s3://bucket-123456789012/code/{digest}.zip", {"C": "arn:aws:lambda:eu-west-1:1:function:pay:live"}],
        "D": 123456789012,
        "E": "order 1234567890123",
        "F": "arn:aws:states:eu-west-1:123456789012:stateMachine:pay:3",
        "G": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    }
    assert portable(definition) == {
        "A": "arn:aws:lambda:eu-west-1:<account>:function:pay:<version>",
        "B": ["s3://bucket-<account>/code/<hash>.zip", {"C": "arn:aws:lambda:eu-west-1:1:function:pay:live"}],
        "D": 123456789012,
        "E": "order 1234567890123",
        "F": "arn:aws:states:eu-west-1:<account>:stateMachine:pay:<version>",
        "G": "<hash>",
    }


def test_a_snapshot_of_something_else(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(asl_snapshot):\n    assert 5 == asl_snapshot(name='five')\n")
    result = run(pytester)
    result.stdout.fnmatch_lines(["*asl_snapshot compares a StateMachine or ASL as a dict, not int*"])


# -- what it costs those who do not use it

HEAVY = ["flowdsl.engine", "flowdsl.testing", "flowdsl.project", "flowdsl.check", "boto3", "syrupy", "jlens"]


def imported(*arguments: str) -> set[str]:
    script = f"import sys; {arguments[0]}; print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split("|"))


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    assert imported("import flowdsl.pytest_plugin").isdisjoint(HEAVY)


def test_flowdsl_testing_does_not_import_boto3_or_syrupy() -> None:
    assert imported("import flowdsl.testing").isdisjoint(["boto3", "botocore", "syrupy", "jlens", "pytest"])


def test_a_run_without_the_fixtures_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    names: Any = HEAVY[:4]
    pytester.makepyfile(f"import sys\ndef test_it():\n    assert not set({names}) & set(sys.modules)\n")
    run(pytester, "-p", "no:syrupy").assert_outcomes(passed=1)


def test_without_syrupy_only_the_snapshot_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import sys\nsys.modules['syrupy.extensions.single_file'] = None\n")
    pytester.makepyfile("def test_it(asl_snapshot): pass")
    result = run(pytester, "-p", "no:syrupy")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the fixture asl_snapshot needs syrupy: pip install syrupy*"])


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_pages_are_lit_by_what_tests_reach(project: pytest.Pytester, workers: list[str]) -> None:
    project.makepyfile(test_it=TESTS)
    result = run(project, "--flow-coverage=html", "test_it.py", *workers)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["pages: htmlflow/index.html"])
    folder = project.path / "htmlflow"
    assert sorted(file.name for file in folder.iterdir()) == ["index.html", "shop.html"]
    assert (
        '<a href="shop.html">shop</a></td><td>77.8%</td><td>7 of 9</td><td>2</td>'
        in (folder / "index.html").read_text()
    )
    text = (folder / "shop.html").read_text()
    assert 'class="state Task reached marked" data-state="/States/Work"' in text
    assert 'class="state Fail missed faint" data-state="/States/Failed"' in text
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    assert list(data["views"]) == ["all tests", "test_it.py::test_again", "test_it.py::test_real"]
    work = next(state for state in data["states"] if state["name"] == "Work")
    assert work["details"]["Not covered"] == "Work: Catch of States.ALL, to Failed"
    assert work["details"]["Reached by"] == "test_it.py::test_again (2×)\ntest_it.py::test_real (1×)"
    assert work["details"]["Written at"].startswith("shop_flow.py:")
    again, real = (data["views"][f"test_it.py::test_{name}"]["/States/Work/Retry[0]"][0] for name in ("again", "real"))
    assert {again, real} == {"reached", "missed"}


def test_a_path_after_the_option_is_a_path(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=TESTS, test_other="def test_other(): pass")
    run(project, "--flow-coverage", "test_other.py").assert_outcomes(passed=1)
    assert not (project.path / "htmlflow").exists()


def test_pages_that_cannot_be_written_fail_the_session(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=TESTS)
    (project.path / "taken").write_text("")
    result = run(project, "--flow-cover-html=taken")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*taken/index.html cannot be written*"])


def test_a_difference_of_snapshots_leaves_the_terminal_alone(project: pytest.Pytester) -> None:
    test = project.makepyfile(
        test_asl="""
        from flowdsl import Pass, StateMachine

        def test_text(asl_snapshot):
            assert StateMachine("m", Pass("A", output={"b": "one\\u202e\\x9b31m\\u2028"})) == asl_snapshot
        """
    )
    assert run(project, "--snapshot-update").ret == 0
    test.write_text(test.read_text().replace("one", "two"))
    result = run(project, "-vv", "--tb=short", "--no-showlocals")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*+*two‹202E›‹009B›31m*"])
    differences = [line for line in result.outlines if line.startswith("E")]
    assert not re.search("[\u0080-\u009f\u2028-\u202e]", "".join(differences))
