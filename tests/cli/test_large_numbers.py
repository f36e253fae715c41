"""Numbers that no double can hold, and that Python does not even read or write, are mistakes of one line."""

import pytest

DIGITS = "9" * 5000
FLOW = "from flowdsl import Pass, StateMachine, Wait, chain\nmachine = StateMachine('a', chain({}))\n"
DEFINITION = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "%s", "Result": %s, "End": true}}}'


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.py", FLOW.format("Wait('A', seconds=10**5000)"), "a number larger than any double has no JSON form"),
        ("a.py", FLOW.format("Pass('A', result={'a': [-(10**5000)]})"), "a number larger than any double"),
        ("a.asl.json", DEFINITION % ("$", DIGITS), f"not JSON: {DIGITS[:57]}... is not a JSON value"),
        ("a.asl.json", DEFINITION % ("$", f"[-{DIGITS}]"), f"not JSON: -{DIGITS[:56]}... is not a JSON value"),
        ("a.asl.yaml", DEFINITION % ("$", DIGITS), f"{DIGITS[:57]}... is not a JSON number"),
        ("a.asl.json", DEFINITION % (f"$.a[{DIGITS}]", 1), "larger than any list"),
        ("a.asl.json", DEFINITION % (f"$.a[{DIGITS}:]", 1), "larger than any list"),
        ("a.asl.json", DEFINITION % (f"$.a[(@.length-{DIGITS})]", 1), "larger than any list"),
    ],
)
def test_a_number_that_is_too_large(project, name, text, message):
    project.write(name, text)
    done = project.run("check", name)
    assert done.exit_code == 2, done.stderr
    line = next(each for each in done.stdout.splitlines() if message in each)
    assert line.startswith(f"{name}:")
    assert len(line) < 300
