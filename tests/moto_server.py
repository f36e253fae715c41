"""moto's server, started and stopped by tests.

moto 5.2 keeps the versions of state machines, but has neither ListStateMachineVersions nor DeleteStateMachineVersion:
they are added here, on its data. So is ValidateStateMachineDefinition, which accepts anything, as moto's
CreateStateMachine does.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.request import Request, urlopen


def list_state_machine_versions(self: Any) -> Any:
    """Newest first."""
    from moto.core.responses import ActionResult

    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    listed = [
        {"stateMachineVersionArn": each.arn, "creationDate": each.creation_date} for each in machine.versions.values()
    ]
    return ActionResult({"stateMachineVersions": listed[::-1]})


def delete_state_machine_version(self: Any) -> Any:
    from moto.core.responses import EmptyResult

    arn, _, number = self._get_param("stateMachineVersionArn").rpartition(":")
    self.stepfunction_backend.describe_state_machine(arn).versions.pop(int(number), None)
    return EmptyResult()


def validate_state_machine_definition(self: Any) -> Any:
    from moto.core.responses import ActionResult

    return ActionResult({"result": "OK", "diagnostics": []})


_ADDED = {
    each.__name__: each
    for each in (list_state_machine_versions, delete_state_machine_version, validate_state_machine_definition)
}


@contextmanager
def moto_server(*, runs_state_machines: bool = False) -> Iterator[str]:
    """Its endpoint. State machines that it runs call services at MOTO_PORT, which is set meanwhile."""
    from moto.server import ThreadedMotoServer
    from moto.stepfunctions.responses import StepFunctionResponse

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url, before = f"http://{host}:{port}", os.environ.get("MOTO_PORT")
    os.environ["MOTO_PORT"] = str(port)
    try:
        if runs_state_machines:
            setting = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
            urlopen(Request(f"{url}/moto-api/config", setting, {"Content-Type": "application/json"})).close()
        with patch.multiple(StepFunctionResponse, create=True, **_ADDED):
            yield url
    finally:
        server.stop()
        del os.environ["MOTO_PORT"]
        if before is not None:
            os.environ["MOTO_PORT"] = before
