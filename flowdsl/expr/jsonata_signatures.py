"""Arguments held to a function's signature, `<s-nn?:s>`, in the way and words of JSONata's reference implementation.

Source: JSONata's documentation, "Function signature syntax"; its reference implementation 2.0.6, which is the version
that the service has (Developer Guide, "Transforming data with JSONata in Step Functions"). jsonata-python reads the
signatures, `Declared`; what it says of arguments that do not fit is not what the service says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol


class Parameter(Protocol):
    """One parameter: its kind, and its part of the regular expression over the letters of the arguments' kinds."""

    type: str
    regex: str
    context: bool
    subtype: str | None


class Declared(Protocol):
    """A signature that jsonata-python has read."""

    _params: Sequence[Parameter]
    _regex: re.Pattern[str]


class FunctionError(Exception):
    """A function cannot take its arguments; the text is JSONata's code and sentence."""


class MismatchError(FunctionError):
    """Arguments that do not fit a signature. `named` is the function, which the call that is evaluated tells."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence
        self.named: str | None = None

    def __str__(self) -> str:
        function = "undefined" if self.named is None else json.dumps(self.named, ensure_ascii=False)
        return f"{self.code}: {self.sentence.replace('{function}', function)}"


_PLURALS: Final = {
    "a": "arrays",
    "b": "booleans",
    "f": "functions",
    "n": "numbers",
    "o": "objects",
    "s": "strings",
}


def fitted(declared: Declared, arguments: Sequence[Any], context: Any, kind_of: Callable[[Any], str]) -> list[Any]:
    """The arguments as the function takes them: the context for one left out, an array for a single value.

    `kind_of` gives the letter of a value's kind: s, n, b, l (null), a, o, f, or m for a missing one. Raises
    MismatchError.
    """
    kinds = "".join(map(kind_of, arguments))
    matched = declared._regex.match(kinds)
    if matched is None:
        raise _wrong_kind(declared, kinds)
    taken: list[Any] = []
    at = 0
    for parameter, letters in zip(declared._params, matched.groups(), strict=True):
        if not letters:
            if parameter.context:
                if not re.match(parameter.regex.removesuffix("?"), kind_of(context)):
                    sentence = f"Context value is not a compatible type with argument {at + 1} of function {{function}}"
                    raise MismatchError("T0411", sentence)
                taken.append(context)
            else:
                taken.append(arguments[at] if at < len(arguments) else None)
                at += 1
        for letter in letters:
            value = arguments[at]
            if parameter.type == "a":
                value = _array(parameter, letters, letter, value, at, kind_of)
            taken.append(value)
            at += 1
    return taken


def _array(parameter: Parameter, letters: str, letter: str, value: Any, at: int, kind_of: Callable[[Any], str]) -> Any:
    if letter == "m":
        return None
    if parameter.subtype is not None:
        if letter == "a":
            fits = all(kind_of(item) == parameter.subtype[0] for item in value)
        else:
            fits = letters == parameter.subtype
        if not fits:
            plural = _PLURALS.get(parameter.subtype)
            of = "undefined" if plural is None else f'"{plural}"'
            raise MismatchError("T0412", f"Argument {at + 1} of function {{function}} must be an array of {of}")
    return value if letter == "a" else [value]


def _wrong_kind(declared: Declared, kinds: str) -> MismatchError:
    """Which argument does not fit: the first after as many as the parameters, one by one, can take."""
    pattern, good = "", 0
    for parameter in declared._params:
        pattern += parameter.regex
        matched = re.match(pattern, kinds)
        if matched is None:
            break
        good = matched.end()
    return MismatchError("T0410", f"Argument {good + 1} of function {{function}} does not match function signature")
