"""Taking a payment with a PSP whose answers are given: what each answer makes of the document's payment."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, field

from handlers.psp import Answer, Outcome, PspRefused, PspUnavailable, inquire, perform
from tests.handlers.conftest import document

DAY = 24 * 3600
REFERENCE = "pay_1"


def answer(outcome: Outcome, reference: str | None = REFERENCE) -> Answer:
    url = "https://psp.example/pay_1" if outcome is Outcome.REDIRECT else None
    return Answer(outcome, "code", "message", reference, url)


@define
class Scripted:
    """A PSP that says what it is told to say."""

    authorised: Answer = field(factory=lambda: answer(Outcome.PAID))
    found: Answer = field(factory=lambda: answer(Outcome.PAID))
    cancelled: Answer = field(factory=lambda: answer(Outcome.CANCELLED))
    name: str = "psp_scripted"
    schedule: tuple[int, ...] = (300, 3600)
    continues: bool = False
    captures: bool = True
    patience: int = 3 * DAY

    def authorise(self, request: Any) -> Answer:
        return self.authorised

    def find(self, reference: str, returned: Any = None) -> Answer:
        return self.found

    def cancel(self, reference: str) -> Answer:
        return self.cancelled

    def look_up(self, request: Any) -> list[Answer]:
        return [self.found]

    def capture(self, request: Any) -> Answer:
        raise NotImplementedError

    def refund(self, request: Any) -> Answer:
        raise NotImplementedError

    def find_refund(self, request: Any) -> Answer | None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def at_nine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-01T09:00:00.000Z")


def after(psp: Scripted, outcome: Outcome) -> dict[str, Any]:
    """The document after a first attempt with this outcome, and after the donor's return."""
    event = document()
    psp.authorised = answer(outcome)
    return {**event, "payment": perform(event, psp), "redirect": {"status": "returned"}}


@pytest.mark.parametrize("found", [Outcome.DECLINED, Outcome.RETRY, Outcome.REDIRECT])
def test_what_is_paid_while_it_is_closed_is_paid(found: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The donor's browser still shows the page, on which another card may be faster than our cancellation."""
    psp = Scripted()
    event = after(psp, Outcome.REDIRECT)
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-02T10:00:00.000Z")
    psp.found, psp.cancelled = answer(found), answer(Outcome.PAID)
    assert perform(event, psp)["status"] == "paid"


@pytest.mark.parametrize("found", [Outcome.DECLINED, Outcome.REDIRECT])
def test_a_payment_that_is_still_open_after_its_cancellation_is_not_over(
    found: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    psp = Scripted()
    event = after(psp, Outcome.REDIRECT)
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-02T10:00:00.000Z")
    psp.found = psp.cancelled = answer(Outcome.REDIRECT)
    psp.found = answer(found)
    with pytest.raises(PspUnavailable, match="neither completed nor cancelled pay_1"):
        perform(event, psp)


def test_a_cancellation_that_is_only_received_is_not_done() -> None:
    """Adyen decides later: until then what is reserved may still be taken."""
    psp = Scripted(found=answer(Outcome.AUTHORISED), cancelled=answer(Outcome.PENDING))
    event = {**document(), "operation": "cancel", "references": [REFERENCE]}
    with pytest.raises(PspUnavailable, match="has not decided the cancellation yet"):
        inquire(event, psp)
    other = {**event, "references": ["pay_2"]}
    assert [each["status"] for each in inquire(other, psp)["payments"]] == ["authorised"]  # type: ignore[typeddict-item]


@pytest.mark.parametrize(("patience", "reference"), [(0, REFERENCE), (DAY, None)])
def test_what_nobody_can_wait_for_is_asked_again(patience: int, reference: str | None) -> None:
    """A PSP that decides within moments, or one whose answer names no payment: the same request says more later."""
    psp = Scripted(authorised=answer(Outcome.PENDING, reference), patience=patience)
    with pytest.raises(PspUnavailable, match="has not decided yet"):
        perform(document(), psp)


@pytest.mark.parametrize(
    "strange",
    [
        Answer(Outcome.PAID, "code", "message", ""),
        Answer(Outcome.PAID, "code", "message", "p" * 256),
        Answer(Outcome.REDIRECT, "code", "message", REFERENCE, "http://psp.example/pay_1"),
        Answer(Outcome.REDIRECT, "code", "message", REFERENCE, "javascript:alert(1)"),
        Answer(Outcome.REDIRECT, "code", "message", REFERENCE, f"https://psp.example/{'p' * 8192}"),
    ],
    ids=["no reference", "a long reference", "a page without TLS", "a script", "a long page"],
)
def test_an_answer_that_cannot_be_what_the_psp_meant_is_asked_for_again(strange: Answer) -> None:
    with pytest.raises(PspUnavailable, match="the PSP's answer has no usable"):
        perform(document(), Scripted(authorised=strange))


def test_what_a_psp_says_leaves_room_in_the_document() -> None:
    """An execution whose document gets too large ends, whatever was taken."""
    payment = perform(document(), Scripted(authorised=Answer(Outcome.PAID, "c" * 9000, "m\n" * 9000, REFERENCE)))
    assert (len(payment["code"]), len(payment["message"])) == (255, 500)
    assert "\n" not in payment["message"]


def test_a_pending_payment_is_asked_for_daily_until_the_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    psp = Scripted(found=answer(Outcome.PENDING))
    event = after(psp, Outcome.PENDING)
    waits = [event["payment"]["pending_seconds"]]
    for day in (2, 3):
        monkeypatch.setenv("FLOWDSL_NOW", f"2026-01-0{day}T21:00:00.000Z")
        event["payment"] = perform(event, psp)
        waits.append(event["payment"]["pending_seconds"])
    assert waits == [DAY, DAY, DAY // 2]
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-04T09:00:00.000Z")
    with pytest.raises(PspRefused, match=r"has not decided pay_1 since 2026-01-01T09:00:00\.000Z"):
        perform(event, psp)


def test_a_pending_payment_that_is_cancelled_at_the_psp_is_declined() -> None:
    """The donor did not abandon it: the bank, or somebody at the PSP, refused it."""
    psp = Scripted(found=answer(Outcome.CANCELLED))
    assert perform(after(psp, Outcome.PENDING), psp)["status"] == "declined"
