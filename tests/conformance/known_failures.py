"""Recordings that flowdsl does not reproduce: executions and TestState answers, each with the reason.

Nothing outside this list may fail.
"""

from __future__ import annotations

KNOWN_FAILURES = {
    "scenarios/test_base_scenarios::TestBaseScenarios::test_lambda_service_invoke_with_retry_extended_input": (
        "Its placeholders are nested (`<any:<start-time>>`), which compare.py does not read as placeholders: no "
        "time can match."
    ),
}
