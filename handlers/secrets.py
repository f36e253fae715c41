"""Settings of a function, of which some are references to secrets.

A deployed function finds `secretsmanager:payments/stripe` or `ssm:/payments/stripe` in its environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from handlers.document import Misconfigured


def setting(name: str) -> str:
    """The value of an environment variable, or of the secret that it refers to. Raises Misconfigured."""
    value = os.environ.get(name)
    if not value:
        raise Misconfigured(f"{name}: not set; add it to the function's environment")
    store, _, secret = value.partition(":")
    return _read(name, store, secret) if store in ("secretsmanager", "ssm") and secret else value


@contextmanager
def fresh_secrets_after(error: type[Exception]) -> Iterator[None]:
    """Read secrets anew in the next invocation if this one fails with the error: a key may have been rotated."""
    try:
        yield
    except error:
        _read.cache_clear()
        raise


@cache
def _read(name: str, store: str, secret: str) -> str:
    """Kept while the function is warm: a new value is read by new instances of the function."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if store == "ssm":
            return str(boto3.client("ssm").get_parameter(Name=secret, WithDecryption=True)["Parameter"]["Value"])
        return str(boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    except (BotoCoreError, ClientError) as error:
        raise Misconfigured(f"{name}: the secret cannot be read: {type(error).__name__}") from error
