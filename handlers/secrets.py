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
    """Return the value of an environment variable, or of the secret that it refers to. Raises Misconfigured."""
    values = settings(name)
    if len(values) > 1:
        raise Misconfigured(f"{name}: has white space inside; expected one value")
    return values[0]


def settings(name: str) -> list[str]:
    """Return the values, separated by white space, of an environment variable, or of the secret that it refers to; at
    least one. White space around them, such as the line end of a file with a secret, is no part of them.

    Raises Misconfigured also for what no value may have, but a copied page or a word processor adds: the PSP would be
    asked in vain for months, or its events refused.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        raise Misconfigured(f"{name}: not set; add it to the function's environment")
    store, _, secret = value.partition(":")
    if store in ("secretsmanager", "ssm") and secret:
        value = _read(name, store, secret).strip()
        if not value:
            raise Misconfigured(f"{name}: the secret is empty")
    if value.startswith("{"):
        raise Misconfigured(f"{name}: is an object; expected the value alone, as plain text")
    values = value.split()
    if not all(each.isascii() and each.isprintable() for each in values):
        raise Misconfigured(f"{name}: has characters that are not printable ASCII; copy the value again")
    return values


@contextmanager
def fresh_secrets_after(*errors: type[Exception]) -> Iterator[None]:
    """Read secrets anew in the next invocation if this one fails with one of the errors: a key may have been rotated,
    or corrected."""
    try:
        yield
    except errors:
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
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=secret)
        return str(answer.get("SecretString", ""))  # one that was stored as binary has none
    except (BotoCoreError, ClientError) as error:
        raise Misconfigured(f"{name}: the secret cannot be read: {type(error).__name__}") from error
