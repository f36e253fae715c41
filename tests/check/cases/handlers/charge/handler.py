from decimal import Decimal, InvalidOperation


class CardDeclined(Exception):  # noqa: N818 - errors of a flow
    pass


class Unused(Exception):  # noqa: N818
    pass


def handler(event: dict[str, str], context: object) -> None:
    try:
        amount = Decimal(event["amount"])
    except InvalidOperation:
        raise ValueError(event) from None
    if amount > 5:
        raise CardDeclined
