"""Find and remove card numbers: they must not reach a document, a log or a store.

flowdsl/run/cards.py, for recordings, has the same rule: neither can import the other. tests/test_cards.py compares
them.

A card number has 13 to 19 digits of any script or form, in one run, in the groups printed on cards, or in groups of
one, two, three or more digits, separated by spaces, line ends, dashes, dots, slashes and the like; a valid check digit
(ISO/IEC 7812-1, Luhn); and a beginning as consumers' cards have. In a longer run of digits, and in groups that are
printed on no card, the number of a large card scheme is found at the beginning and at the end; beside letters such a
number is found, too. Times in milliseconds, UUIDs, hexadecimal ones and identifiers that have letters and digits in
turn are never treated as card numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any
from unicodedata import digit

# Digits of any script, such as fullwidth ones, after _plain; among them may be invisible characters.
_DIGIT = r"(?:\d[\u00ad\u200b-\u200f\u2060-\u2064\ufe0e\ufe0f\ufeff\u20e3]*)"
# Spaces, line ends, all kinds of dashes, marks such as "." and "/", and spaces as URLs and HTML write them.
_GAP = r"(?:[\s.,:;/\\|_*+()'\"\u00b7\u2010-\u2015\u2212-]{1,4}|%20|&nbsp;)"
_CANDIDATE = re.compile(
    rf"""
    (?=[\dA-Za-f]) (?:    # how all begin, so that prose is passed quickly
    [0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}    # a UUID: skip it
    | (?<![^\W_]) (?P<iban> [A-Z]{{2}}\d\d (?:[ ][0-9A-Z]{{4}}){{2,7}} (?:[ ][0-9A-Z]{{1,3}})? ) (?![^\W_])
    | (?<!\d)
      (?P<number> {_DIGIT}{{13,40}}
                | {_DIGIT}{{4}} (?:{_GAP} {_DIGIT}{{4}}){{2}} (?:{_GAP} {_DIGIT}{{1,4}}){{1,2}}
                | {_DIGIT}{{4}} {_GAP} {_DIGIT}{{6}} {_GAP} {_DIGIT}{{4,5}}
                # In groups that are printed on no card.
                | {_DIGIT}{{4}} [\s-]{{1,4}} {_DIGIT}{{12}} | {_DIGIT}{{6}} [\s-]{{1,4}} {_DIGIT}{{10}}
                | {_DIGIT}{{8}} [\s-]{{1,4}} {_DIGIT}{{8}} | {_DIGIT}{{12}} [\s-]{{1,4}} {_DIGIT}{{4}}
                | {_DIGIT}{{3}} (?P<a>{_GAP}) {_DIGIT}{{3}} (?:(?P=a) {_DIGIT}{{3}}){{3}} (?:(?P=a) {_DIGIT})?
                | {_DIGIT}{{2}} (?P<b>{_GAP}) {_DIGIT}{{2}} (?:(?P=b) {_DIGIT}{{2}}){{5}} (?P=b) {_DIGIT}{{1,2}}
                | {_DIGIT} (?P<c>{_GAP}) {_DIGIT} (?:(?P=c) {_DIGIT}){{13,17}} )
      (?!\d)
    )
    """,
    re.VERBOSE,
)
_GAPS = re.compile(_GAP)
_CONSUMER = re.compile(r"(?:[3-6]|2[2-7])\d+")
"""How the numbers of consumers' cards begin: 22 to 27 are those of Mir and Mastercard, other 2s are airlines'."""
_BRANDS = re.compile(r"4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}|35\d{14}")
"""Numbers as the large card schemes issue them."""
_DOUBLED = str.maketrans("0123456789", "0246813579")
_WORD = 40
_LETTERS_BEFORE, _LETTERS_AFTER = re.compile(r"[^\W_]+\Z"), re.compile(r"[^\W_]+")
_HEXADECIMAL = re.compile(r"[0-9a-f]+|[0-9A-F]+")
REMOVED = "[card number removed]"


def is_card_number(digits: str) -> bool:
    """Return true if the digits (without separators) pass the Luhn check and have a card number's length."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = digits[-2::-2].translate(_DOUBLED)
    return (sum(map(int, digits[::-2])) + sum(map(int, doubled))) % 10 == 0


def matches(text: str) -> Iterator[slice]:
    """Yield the place of everything in the text that looks like a card number."""
    text = _plain(text)
    position = 0
    while match := _CANDIDATE.search(text, position):
        if match["number"] and _is_card(match["number"]) and (_is_apart(match) or _is_in_a_word(match)):
            yield slice(*match.span())
        elif match["number"] or (match["iban"] and not _is_iban(match["iban"])):
            gap = _GAPS.search(match[0])
            position = match.start() + gap.start() if gap else match.end()  # one may begin with the next group
            continue
        position = match.end()


def replace(text: str, replacement: Callable[[str], str]) -> str:
    """Replace everything in the text that looks like a card number."""
    parts, position = [], 0
    for place in matches(text):
        parts += [text[position : place.start], replacement(text[place])]
        position = place.stop
    return "".join([*parts, text[position:]])


def find(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted paths of the fields that seem to contain a card number, never the number itself.

    Digits in texts side by side are read as one, as of a form that has a field for each group.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            name = redact(str(key))
            inside = f"{path}.{name}" if path else name
            if name != str(key):
                yield f"{inside} (the field's name)"
            yield from find(item, inside)
        if _is_card_in_parts(value.values()):
            yield path or "the value"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find(item, f"{path}[{index}]")
        if _is_card_in_parts(value):
            yield path or "the value"
    elif value is not None and not isinstance(value, bool) and redact(str(value)) != str(value):
        yield path or "the value"


def redact(text: str) -> str:
    """Replace everything in the text that looks like a card number."""
    return replace(text, lambda _: REMOVED)


def without_cards(value: Any) -> Any:
    """Replace everything in the JSON value that looks like a card number, in keys and in values."""
    if isinstance(value, dict):
        parts = _is_card_in_parts(value.values())
        return {redact(key): _without(item, parts) for key, item in value.items()}
    if isinstance(value, list):
        parts = _is_card_in_parts(value)
        return [_without(item, parts) for item in value]
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and redact(str(value)) != str(value):
        return REMOVED
    return value


def _without(value: Any, parts: bool) -> Any:
    return REMOVED if parts and _part(value) else without_cards(value)


def _is_card_in_parts(values: Collection[Any]) -> bool:
    """Return true if values side by side are a card number: groups in texts, or one digit in each."""
    if len(values) < 3:
        return False
    return any(matches(" ".join(_part(value) or "-" for value in values)))


def _part(value: Any) -> str:
    """Return the digits of a value that may be a part of a card number, empty for another one.

    Of numbers only single digits: a form's list of amounts may pass the check by chance.
    """
    if isinstance(value, str) and value.isdigit() and len(value) < 13:
        return value
    return str(value) if type(value) is int and 0 <= value <= 9 else ""


def _plain(text: str) -> str:
    """Return the text with ASCII digits for those in circles, superscript ones and the like, character by character."""
    others = {each for each in set(text) if each.isdigit() and not each.isdecimal()}
    return text.translate({ord(each): str(digit(each)) for each in others}) if others else text


def _digits(text: str) -> str:
    """Return the text's digits, of whatever script, as ASCII digits."""
    return text if text.isascii() and text.isdecimal() else "".join(map(str, map(int, filter(str.isdecimal, text))))


def _is_apart(match: re.Match[str]) -> bool:
    """Return true if no letter is beside the number, but for the %B with which a card's magnetic stripe begins."""
    before, after = match.string[max(match.start() - 2, 0) : match.start()], match.string[match.end() : match.end() + 1]
    return not after.isalnum() and (before == "%B" or not before[-1:].isalnum())


def _is_in_a_word(match: re.Match[str]) -> bool:
    """Return true for a large card scheme's number beside letters that are no identifier: those have letters and digits
    in turn, or are hexadecimal."""
    digits = _digits(match["number"])
    if not (_BRANDS.fullmatch(digits) and is_card_number(digits)):
        return False
    before = _LETTERS_BEFORE.search(match.string[max(match.start() - _WORD, 0) : match.start()])
    after = _LETTERS_AFTER.match(match.string, match.end(), match.end() + _WORD)
    around = (before[0] if before else "", after[0] if after else "")
    return len(re.findall(r"\d+", " ".join(around))) <= 2 and not _HEXADECIMAL.fullmatch(digits.join(around))


def _is_card(number: str) -> bool:
    groups = [*map(_digits, _GAPS.split(number))]
    digits = "".join(groups)
    if len(groups) == 1 or (len(groups[0]) == 4 and len(groups[1]) <= 6):
        # As printed; a fifth group may be the end of a long number, or of something else.
        wholes = [digits, "".join(groups[:4]), "".join(groups[1:])] if len(groups) == 5 else [digits]
        if any(_CONSUMER.fullmatch(each) and is_card_number(each) for each in wholes):
            return True
        if len(groups) == 1 and len(digits) <= 19:
            return False
    # A number with its expiry date and security code after it, or with zeros or others before it.
    parts = [digits.lstrip("0")[:length] for length in (15, 16)] + [digits[-length:] for length in (15, 16)]
    return any(_BRANDS.fullmatch(part) and is_card_number(part) for part in parts)


def _is_iban(text: str) -> bool:
    """Return true if the text is the number of a bank account, with its check digits (ISO 13616, ISO 7064)."""
    digits = text.replace(" ", "")
    return int("".join(str(int(character, 36)) for character in digits[4:] + digits[:4])) % 97 == 1
