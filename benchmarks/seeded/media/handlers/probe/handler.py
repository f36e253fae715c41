from typing import NotRequired, TypedDict


class ProbeBusy(Exception):
    pass


class UnreadableVideo(Exception):
    pass


class ProbeEvent(TypedDict):
    bucket: str
    key: str
    max_bytes: int


class Probe(TypedDict):
    seconds: float
    width: int
    height: int
    codec: str
    title: NotRequired[str]


def handler(event: ProbeEvent, _: object) -> Probe:
    if event["max_bytes"] < 0:
        raise ProbeBusy
    if not event["key"].endswith(".mp4"):
        raise UnreadableVideo(event["key"])
    return {"seconds": 61.5, "width": 1920, "height": 1080, "codec": "h264"}
