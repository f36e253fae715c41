from typing import Literal, TypedDict


class BankUnavailable(Exception):
    pass


class AccountClosed(Exception):
    pass


class Order(TypedDict):
    id: str
    iban: str
    cents: int
    fee: int
    attempt: int


class Transfer(TypedDict):
    status: Literal["sent", "pending", "refused"]
    reference: str
    retry_in: int


def handler(event: Order, _: object) -> Transfer:
    if event["iban"].startswith("XX"):
        raise AccountClosed(event["iban"])
    if event["attempt"] > 100:
        raise BankUnavailable
    return {"status": "sent", "reference": "tr_1", "retry_in": 0}
