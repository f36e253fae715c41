"""Adyen's errors as ours: https://docs.adyen.com/development-resources/response-handling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from Adyen import exceptions

from handlers.money import NotPayable
from handlers.psp import Answer, KeyRejected, Outcome, PspRefused, PspUnavailable
from handlers.psp.refusals import Refusal
from handlers.psp_adyen import codes


@contextmanager
def translated_errors(declines: frozenset[str] = frozenset()) -> Iterator[None]:
    """Raise an error whose code is in `declines` as a Refusal, and all others as our errors."""
    try:
        yield
    except NotPayable as error:
        raise Refusal(Answer(Outcome.DECLINED, "invalid_amount", str(error))) from error
    except (exceptions.AdyenAPIAuthenticationError, exceptions.AdyenAPIInvalidPermission) as error:
        raise KeyRejected(f"Adyen rejects ADYEN_API_KEY: {type(error).__name__}; set a valid key") from error
    except (exceptions.AdyenAPIValidationError, exceptions.AdyenAPIUnprocessableEntity) as error:
        code = error.error_code if isinstance(error.error_code, str) and error.error_code else "no code"
        if is_transient(error) or code == "no code":
            raise PspUnavailable(f"Adyen: {error.status_code} {code[:50]}") from error
        if code not in declines:
            raise PspRefused(f"Adyen refuses the request: {code[:50]}") from error
        raise Refusal(Answer(Outcome.DECLINED, code, "Adyen refuses the request")) from error
    except (exceptions.AdyenAPIResponseError, requests.RequestException) as error:
        raise PspUnavailable(f"Adyen: {type(error).__name__} {getattr(error, 'status_code', '')}".rstrip()) from error
    except exceptions.AdyenError as error:
        raise PspRefused(f"Adyen refuses the request: {type(error).__name__}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The library trips over an answer of another shape.
        raise PspUnavailable(f"Adyen: the answer cannot be read: {type(error).__name__}") from error


def is_transient(error: exceptions.AdyenError) -> bool:
    """Return true if the same request, with the same key, may succeed
    (https://docs.adyen.com/development-resources/api-idempotency)."""
    headers = error.headers or {}
    return str(headers.get("transient-error")).lower() == "true" or str(error.error_code) in codes.IN_PROGRESS
