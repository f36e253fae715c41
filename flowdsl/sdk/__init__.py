"""The AWS Step Functions Data Science SDK (`stepfunctions`) and flows of flowdsl, each in place of the other.

    from stepfunctions.steps import Chain, Pass
    from flowdsl import StateMachine
    from flowdsl.sdk import from_sdk, to_sdk

    machine = StateMachine("hello", from_sdk(Chain([Pass("A"), Pass("B")])))
    workflow = to_sdk(machine, role="arn:aws:iam::123456789012:role/flows")

The forks `stepfunctions-asl` and `stepfunctions-without-sagemaker` work in its place. Only `to_sdk` imports the SDK.
"""

from .bridge import from_sdk, to_sdk
from .reading import SdkDefinition, is_sdk_object, read_sdk

__all__ = ["SdkDefinition", "from_sdk", "is_sdk_object", "read_sdk", "to_sdk"]
