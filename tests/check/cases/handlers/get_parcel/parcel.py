from typing import Any, TypedDict


class Parcel(TypedDict):
    id: str


def handler(event: Any, context: Any) -> Parcel:
    raise NotImplementedError
