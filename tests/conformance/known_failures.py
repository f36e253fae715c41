"""Recordings that flowdsl does not reproduce: executions and TestState answers, each with the reason.

Nothing outside this list may fail.
"""

from __future__ import annotations

KNOWN_FAILURES = {
    "scenarios/test_base_scenarios::TestBaseScenarios::test_lambda_service_invoke_with_retry_extended_input": (
        "Its placeholders are nested (`<any:<start-time>>`), which compare.py does not read as placeholders: no "
        "time can match."
    ),
    **dict.fromkeys(
        (
            "test_state/test_field_validation_mode::TestFieldValidationMode::"
            "test_strict_mode_aws_sdk_lambda_get_function_task[integer_more_than_maximum_allowed]#validation-exception",
            "test_state/test_field_validation_mode_present::TestFieldValidationModePresent::"
            "test_present_mode_aws_sdk_lambda_get_function_task[integer_more_than_maximum_allowed]#validation-exception",
        ),
        "10,241 MB of memory were more than a Lambda function could have when this was recorded; the limit in Lambda's "
        "service model, which the mock is held to, is 32,768 since.",
    ),
}
