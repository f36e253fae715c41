"""Tests of flows: run them on the embedded engine or on a deployed machine, with mocks, faults and virtual time.

    from flowdsl.testing import StepType, fail, run_to_completion

    def test_paid():                                  # on AWS where STATE_MACHINE_ARN is set
        output, history = run_to_completion("paid-1", donation)
        assert output["payment"]["status"] == "paid"
        assert history.succeeded(StepType.LAMBDA)["TakePayment"] == 1

    def test_psp_recovers(flow):                      # the project's own functions, and a fault
        flow.mock("TakePayment", fail("PspUnavailable", times=2))
        run = flow.run(donation)
        assert run.history.retried() == {"TakePayment": 2}
        assert run.duration == 20                     # virtual seconds

    def test_redirected(flow):                        # a task token, answered later
        flow.answer("RedirectToPsp", {"status": "returned"}, after=90)
        assert flow.run(donation).history.spent("RedirectToPsp") == 90

    def test_broken(flow):
        with pytest.raises(ExecutionFailed) as failed:    # or flow.run(donation, check=False)
            flow.run(donation)
        assert failed.value.error == "PaymentBroken"

What is neither mocked nor a function of the project is never called: the test fails with UnmockedCall. The fixtures
(`flow`, `flow_machine`, `asl_snapshot`) and the coverage options are those of the pytest plugin, flowdsl.pytest_plugin.
"""

from .answers import Answer, crash, fail, function_timeout, give, oversize, real, slow, throttle, timeout
from .completion import run_to_completion
from .coverage import Coverage
from .history import History, StepType
from .machines import Machine
from .mocks import Mock
from .recording import replay
from .run import ExecutionAlreadyExists, ExecutionFailed, Run, StillRunning, UnmockedCall
from .runner import Runner

__all__ = [
    "Answer",
    "Coverage",
    "ExecutionAlreadyExists",
    "ExecutionFailed",
    "History",
    "Machine",
    "Mock",
    "Run",
    "Runner",
    "StepType",
    "StillRunning",
    "UnmockedCall",
    "crash",
    "fail",
    "function_timeout",
    "give",
    "oversize",
    "real",
    "replay",
    "run_to_completion",
    "slow",
    "throttle",
    "timeout",
]
