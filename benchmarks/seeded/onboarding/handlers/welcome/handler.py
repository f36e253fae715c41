from typing import NotRequired, TypedDict


class MailBounced(Exception):
    pass


class Mail(TypedDict):
    email: str
    city: str
    text: str
    marketing: NotRequired[bool]


def handler(event: Mail, _: object) -> None:
    if "@" not in event["email"]:
        raise MailBounced(event["email"])
