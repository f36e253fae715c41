from typing import Literal, TypedDict


class ModelBusy(Exception):
    pass


class Text(TypedDict):
    subject: str
    body: str
    plan: str


class Class(TypedDict):
    topic: Literal["billing", "bug", "other", "spam"]
    priority: int
    tags: list[str]


def handler(event: Text, _: object) -> Class:
    if event["body"] == "busy":
        raise ModelBusy
    return {"topic": "bug", "priority": 1, "tags": ["login"]}
