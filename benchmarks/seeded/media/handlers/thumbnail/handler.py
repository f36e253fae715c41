from typing import TypedDict


class Image(TypedDict):
    key: str
    width: int


class Images(TypedDict):
    images: list[Image]


class Wish(TypedDict):
    key: str
    at: float
    sizes: list[int]


def handler(event: Wish, _: object) -> Images:
    return {"images": [{"key": f"{event['key']}.{size}.jpg", "width": size} for size in event["sizes"]]}
