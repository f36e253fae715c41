"""The Data Science SDK silences the root logger when it is imported; other tests in this process read logs."""

import logging

_level = logging.getLogger().level
import stepfunctions  # noqa: E402, F401

logging.getLogger().setLevel(_level)
