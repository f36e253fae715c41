"""moto's server, started and stopped by tests."""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen


@contextmanager
def moto_server(*, runs_state_machines: bool = False) -> Iterator[str]:
    """Its endpoint. State machines that it runs call services at MOTO_PORT, which is set meanwhile."""
    from moto.server import ThreadedMotoServer

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
        yield url
    finally:
        server.stop()
        del os.environ["MOTO_PORT"]
        if before is not None:
            os.environ["MOTO_PORT"] = before
