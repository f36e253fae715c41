from typing import Literal, TypedDict


class ModelOverloaded(Exception):
    pass


class Video(TypedDict):
    key: str
    labels: list[str]
    seconds: float


class Verdict(TypedDict):
    verdict: Literal["accept", "unsure", "refuse", "busy"]
    score: float
    reasons: list[str]
    retry_after: int


def handler(event: Video, _: object) -> Verdict:
    if event["seconds"] > 1e5:
        raise ModelOverloaded
    return {"verdict": "accept", "score": 0.1, "reasons": [], "retry_after": 10}
