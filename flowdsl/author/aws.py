"""The services of AWS as attributes: `aws.dynamodb.put_item(…)`, `aws.s3.get_object(…)`, `aws.sdk.sfn.…`.

aws.pyi has the types of the optimised integrations; scripts/aws_stubs.py writes it.
"""

from __future__ import annotations

from .integrations import Sdk, Service

sdk = Sdk()


def __getattr__(name: str) -> Service:
    if name.startswith("_"):
        raise AttributeError(name)
    return Service(name)
