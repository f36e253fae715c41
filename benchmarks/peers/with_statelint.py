"""Ask statelint (PyPI) about definitions: a JSON list of texts on stdin, the list of what it says on stdout."""

import json
import sys

from statelint.linter import Linter


def refuses(text: str) -> bool:
    try:
        return bool(Linter.validate(json.loads(text)))
    except Exception:  # noqa: BLE001 - a definition that makes it fail is not accepted
        return True


print(json.dumps([refuses(text) for text in json.load(sys.stdin)]))
