"""GoCardless's errors as ours: https://developer.gocardless.com/api-reference/#errors-error-types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from gocardless_pro import errors

from handlers.psp import Answer, KeyRejected, Outcome, PspRefused, PspUnavailable
from handlers.psp.refusals import Refusal
from handlers.psp_gocardless import codes


@contextmanager
def translated_errors(declines: frozenset[str] = frozenset()) -> Iterator[None]:
    """Raise an error with a reason in `declines` as a Refusal, and all others as our errors.

    With any `declines`, an invalid field that comes from the donation is a Refusal, too.
    """
    try:
        yield
    except (errors.AuthenticationError, errors.PermissionsError) as error:
        message = f"GoCardless rejects GOCARDLESS_ACCESS_TOKEN: {type(error).__name__}; set a valid token"
        raise KeyRejected(message) from error
    except (errors.RateLimitError, errors.GoCardlessInternalError) as error:
        raise PspUnavailable(f"GoCardless: {type(error).__name__}") from error
    except (errors.ValidationFailedError, errors.InvalidStateError, errors.InvalidApiUsageError) as error:
        reasons = reasons_of(error)
        known = sorted(reasons & declines)
        if not known and declines and isinstance(error, errors.ValidationFailedError):
            known = sorted(reasons & codes.REFUSED_FIELDS)
        if not known:
            what = ", ".join(sorted(reasons)) or type(error).__name__
            raise PspRefused(f"GoCardless refuses the request: {what[:200]}") from error
        raise Refusal(Answer(Outcome.DECLINED, known[0], str(error.message or known[0]))) from error
    except (errors.GoCardlessProError, requests.RequestException) as error:
        raise PspUnavailable(f"GoCardless: {type(error).__name__}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The library trips over an answer of another shape.
        raise PspUnavailable(f"GoCardless: the answer cannot be read: {type(error).__name__}") from error


def reasons_of(error: errors.ApiError) -> set[str]:
    """Return the machine-readable reasons of an error, and the names of the fields it refuses."""
    listed = error.error.get("errors") if isinstance(error.error, dict) else None
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return {str(each.get("reason") or each.get("field")) for each in entries}
