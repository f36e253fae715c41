from typing import TypedDict


class ModelBusy(Exception):
    pass


class UnsafeAnswer(Exception):
    pass


class Wish(TypedDict):
    body: str
    topic: str
    tags: list[str]
    earlier: int
    limit: int


class Draft(TypedDict):
    text: str
    sure: float


def handler(event: Wish, _: object) -> Draft:
    if event["limit"] == 0:
        raise UnsafeAnswer
    if event["earlier"] > 10_000:
        raise ModelBusy
    return {"text": "Try again", "sure": 0.5}
