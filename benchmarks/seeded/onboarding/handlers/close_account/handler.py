from typing import TypedDict


class Customer(TypedDict):
    customer_id: str


def handler(event: Customer, _: object) -> None:
    print("closed", event["customer_id"])
