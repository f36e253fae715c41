"""What a PSP tells may be anything: it ends in an error of ours, stores nothing wrong, and holds up nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.campaign.adyen_books import ACCOUNT
from flowdsl import Metric
from handlers import clock, disputes, refunds
from handlers.adyen_webhook import handler as adyen_webhook
from handlers.adyen_webhook.settling import LOG
from handlers.fundraising_totals.totals import Contribution, add
from handlers.psp import Answer, KeyRejected, Outcome, PspRefused, PspUnavailable
from handlers.psp.interface import LARGEST, bounded, is_amount
from handlers.psp_adyen import states
from handlers.psp_adyen.facts import ANSWERED, SENT, Fact
from handlers.psp_adyen.provider import AdyenPsp
from handlers.psp_webhook import NeedsOperator, settle_each
from handlers.reconcile import settling
from handlers.reconcile.sweep import ask_psp, sweep
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import Query, store
from payment_flow import machine
from tests.handlers.conftest import Call, a_day_later
from tests.handlers.psp_contract import donation, of, open_donation, paid
from tests.handlers.psp_worlds import AdyenWorld, World, psp

__all__ = ["psp"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("executions_have_ended")]

GOOD = {"value": 300, "currency": "GBP"}
BAD = [None, "", "x", {}, [], ["a"], {"a": 1}, True, -1, 2500.5, 10**40, "9" * 300, "MISSING"]
OURS = (PspUnavailable, PspRefused)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all fields, of a list's first item only."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, item in items:
        if isinstance(value, dict):
            yield (*path, name)
        yield from paths(item, (*path, name))


def spoilt(value: Any, path: tuple[Any, ...], bad: Any) -> Any:
    result = target = json.loads(json.dumps(value))
    for step in path[:-1]:
        target = target[step]
    if bad == "MISSING":
        del target[path[-1]]
    else:
        target[path[-1]] = bad
    return result


def each_spoilt(world: World, ask: Callable[[], Any]) -> Iterator[tuple[str, Any]]:
    """Ask with every field of every answer of the PSP spoilt in every way; yield what was spoilt, and the result or the
    error."""
    assert world.server is not None
    real, answers = world.server.answer, list[bytes]()

    def recorded(*request: Any) -> tuple[int, bytes]:
        status, body = real(*request)
        answers.append(body)
        return status, body

    world.server.answer = recorded  # type: ignore[method-assign, assignment]
    ask()
    for index, body in enumerate(answers):
        for path in paths(json.loads(body)):
            for bad in BAD:
                if path[-1] == "id" and isinstance(bad, str) and bad not in ("", "MISSING"):
                    continue  # an id as good as any
                count = iter(range(len(answers) + 9))

                def answer(
                    *request: Any, index: int = index, path: Any = path, bad: Any = bad, count: Iterator[int] = count
                ) -> tuple[int, bytes]:
                    status, body = real(*request)
                    is_spoilt = next(count) == index and path in set(paths(json.loads(body)))
                    return status, json.dumps(spoilt(json.loads(body), path, bad)).encode() if is_spoilt else body

                world.server.answer = answer  # type: ignore[method-assign, assignment]
                try:
                    yield f"answer {index + 1}: {path} = {bad!r:.30}", ask()
                except Exception as error:  # noqa: BLE001 - whatever it is, the test judges it
                    yield f"answer {index + 1}: {path} = {bad!r:.30}", error
    world.server.answer = real  # type: ignore[method-assign]


def is_sane(result: Any) -> bool:
    """The interface's errors, or an answer that everybody can rely on."""
    if isinstance(result, Exception):
        return isinstance(result, OURS)
    for each in result.get("payments", [result]):
        if each["status"] in ("paid", "authorised") and not isinstance(each["reference"], str):
            return False
        if not all(amount is None or is_amount(amount) for amount in (each.get("amount"), each.get("captured"))):
            return False
    return True


@pytest.mark.parametrize("operation", ["pay", "look_up", "refund"])
def test_each_field_of_each_answer_may_be_anything(call: Call, psp: World, operation: str) -> None:
    if psp.server is None:
        pytest.skip("the sandbox is in this process")
    event = paid(call, psp)
    ask = {**event, "operation": operation, "amount": 500}
    if operation == "pay":
        ask["payment"] = {"status": "new", "attempts": []}

    problems = [(what, result) for what, result in each_spoilt(psp, lambda: call(psp.name, ask)) if not is_sane(result)]

    assert problems == []
    assert psp.charges(of(event)) == [2500]
    assert psp.refunds(of(event)) == ([500] if operation == "refund" else [])
    psp.server.mistakes.clear()  # what GoCardless's answers have to be is checked, too


@pytest.mark.parametrize(
    "change",
    [
        {"amount": -1},
        {"amount": 25.0},
        {"amount": "2500"},
        {"amount": True},
        {"amount": LARGEST + 1},
        {"captured": -1},
        {"currency": "gbp"},
        {"currency": 826},
        {"reference": None},
        {"reference": 7},
        {"code": None},
        {"message": {}},
        {"redirect_url": "javascript:alert(1)"},
        {"redirect_url": 1},
    ],
    ids=str,
)
def test_what_a_psps_answer_has_to_be(change: dict[str, Any]) -> None:
    answer: dict[str, Any] = {"outcome": Outcome.PAID, "code": "ok", "message": "ok", "reference": "pi_1"}
    bounded(Answer(**answer))
    with pytest.raises(PspUnavailable, match="the PSP's answer has no usable "):
        bounded(Answer(**{**answer, **change}))


def stored(call: Call, psp: World) -> dict[str, Any]:
    """A donation that is stored as paid."""
    event = donation(psp, "paid")
    store().put(intent(event))
    for _ in range(3):
        event["payment"] = call(psp.name, event)
        psp.pass_days()
    done = {name: {"status": "done"} for name in ("receipt", "totals", "event")}
    store().put(from_document({**event, "post_processing": done}))
    assert event["payment"]["status"] == "paid"
    return event


def total() -> int:
    """The charity's total without the donations, which no test here counts."""
    return add(Contribution("none", "Lifeboats", 0, "GBP"))


def test_what_is_told_of_a_refund_by_hand_adds_nothing_and_is_counted_once(call: Call, psp: World) -> None:
    """A negative refund, one in another currency, or of half a penny would change a total for ever."""
    if psp.name not in ("psp_stripe", "psp_gocardless"):
        pytest.skip("nobody is asked")
    event = stored(call, psp)
    before = len(psp.all_events(of(event)))
    psp.by_hand("refund", of(event), 500)
    if psp.name == "psp_gocardless":
        [refund] = psp.gocardless.of("RF")  # type: ignore[attr-defined]
        refund["status"] = "paid"
        psp.gocardless._tell("refunds", "paid", refund=refund["id"])  # type: ignore[attr-defined]
    requests = psp.all_events(of(event))[before:]
    problems = []
    for request in requests:
        for what, result in each_spoilt(psp, lambda request=request: call(str(psp.webhook), request)):  # type: ignore[misc]
            known = refunds.of_donation(of(event))
            is_right = total() in (0, -500) and all((each.amount, each.currency) == (500, "GBP") for each in known)
            is_ours = not isinstance(result, Exception) or type(result).__module__.startswith("handlers.")
            if not is_right or not is_ours or type(result).__name__ == "Unexpected":
                problems.append((what, result, known))

    assert problems == []
    assert [each.amount for each in refunds.of_donation(of(event))] == [500]
    assert psp.server is not None
    psp.server.mistakes.clear()


@pytest.mark.parametrize("amount", [{"amount": -700}, {"amount": 99_999_999}, {"currency": "usd"}, {"amount": "7"}])
def test_a_dispute_of_another_amount_takes_back_what_the_donation_is_of(
    call: Call, psp: World, amount: dict[str, Any]
) -> None:
    if psp.name != "psp_stripe":
        pytest.skip(
            "Stripe's may be of another amount: https://docs.stripe.com/api/disputes/object#dispute_object-amount"
        )
    event = stored(call, psp)
    assert psp.server is not None
    real = psp.server.answer

    def answer(*request: Any) -> tuple[int, bytes]:
        status, body = real(*request)
        found = json.loads(body)
        return status, json.dumps({**found, **amount} if found.get("object") == "dispute" else found).encode()

    psp.server.answer = answer  # type: ignore[method-assign, assignment]
    psp.books.dispute(event["payment"]["reference"], "lost")  # type: ignore[attr-defined]
    for request in psp.all_events(of(event)):
        call("stripe_webhook", request)
    assert [(each.amount, each.currency) for each in disputes.listed()] == [(2500, "GBP")]
    assert total() == -2500


# -- one that nobody can read holds up no other


def test_a_donation_that_cannot_be_settled_hides_no_other(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = open_donation(call, psp), open_donation(call, psp)
    real = settling._keep_conflicts

    def poisoned(known: settling.Known, *rest: Any, **more: Any) -> None:
        if known.record.id == of(poison):
            raise OverflowError("int too large for the store, says ada@example.org")
        real(known, *rest, **more)

    monkeypatch.setattr(settling, "_keep_conflicts", poisoned)
    findings = {each.id: each for each in sweep(store(), ask_psp, lambda _: True)}

    assert findings[of(good)].repaired == "paid"
    assert findings[of(poison)].reason == "could not be settled: OverflowError"
    assert findings[of(poison)].is_open_work


def of_adyen(psp: World) -> AdyenWorld:
    if not isinstance(psp, AdyenWorld):
        pytest.skip("only Adyen holds back all events until one is accepted")
    return psp


def adyens_event(event: dict[str, Any], kind: str, reference: str, amount: Any, **changes: Any) -> dict[str, Any]:
    """An event about the donation's payment."""
    original = str(event["payment"]["reference"]).partition(":")[2]
    item = {"eventCode": kind, "success": "true", "pspReference": reference, "originalReference": original}
    more = {"merchantAccountCode": ACCOUNT, "merchantReference": f"{of(event)}-1", "amount": amount}
    return {**item, **more, **changes}


def request_of(world: AdyenWorld, *events: dict[str, Any]) -> dict[str, Any]:
    """One signed request with all events."""
    bodies = [json.loads(world.adyen.webhook(each)["body"]) for each in events]
    items = [each["notificationItems"][0] for each in bodies]
    return {"headers": {}, "body": json.dumps({**bodies[0], "notificationItems": items})}


@pytest.mark.parametrize(
    "amount",
    [
        {"value": -500, "currency": "GBP"},
        {"value": 500, "currency": "USD"},
        {"value": 0, "currency": "GBP"},
        {"value": 10**30, "currency": "GBP"},
        {"value": None, "currency": "GBP"},
        {"value": 500, "currency": None},
    ],
    ids=str,
)
def test_a_refund_at_adyen_that_cannot_be_counted_is_for_people_and_holds_up_nothing(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], amount: Any
) -> None:
    world = of_adyen(psp)
    event = stored(call, psp)
    refunded = [adyens_event(event, "REFUND", name, of) for name, of in (("BAD", amount), ("GOOD", GOOD))]
    monkeypatch.setattr("handlers.metrics.is_on_lambda", lambda: True)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-adyen-webhook")
    monkeypatch.setenv("FLOWDSL_NOW", clock.now())  # its stores stay files
    context = SimpleNamespace(aws_request_id="1")
    capsys.readouterr()

    answer = adyen_webhook.handler(request_of(world, *refunded), context)

    assert (answer["statusCode"], json.loads(answer["body"])["result"]) == (200, "not settled, refunded")
    assert [(each.amount, each.currency) for each in refunds.of_donation(of(event))] == [(300, "GBP")]
    assert total() == -300
    output = capsys.readouterr()
    metric = json.loads(output.out)
    [alarm] = [each for each in machine.alarms if each.name == "payment-unsettled-events"]
    assert isinstance(alarm.of, Metric)
    assert metric[alarm.of.name] == [1.0]
    assert (metric["_aws"]["CloudWatchMetrics"][0]["Namespace"], alarm.of.function.name) == (
        alarm.of.namespace,
        metric["function_name"],
    )
    assert "reports a refund without a valid amount in GBP" in output.err, "people can find the event"
    assert "#BAD" in output.err


def test_an_error_that_passes_makes_adyen_send_all_events_of_the_request_again(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = of_adyen(psp)
    event = stored(call, psp)
    kinds: list[str] = []

    def settle_fact(fact: Fact) -> str:
        kinds.append(fact.kind)
        if fact.kind == "REFUND":
            raise PspUnavailable("the store is down")
        return "done"

    monkeypatch.setattr(adyen_webhook, "settle_fact", settle_fact)
    with pytest.raises(PspUnavailable, match="the store is down"):
        call(
            "adyen_webhook",
            request_of(world, adyens_event(event, "REFUND", "R1", GOOD), adyens_event(event, "CHARGEBACK", "D1", GOOD)),
        )
    assert kinds == ["REFUND", "CHARGEBACK"]


def test_a_reversal_that_adyen_refuses_is_for_people(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = of_adyen(psp)
    event = donation(psp, "redirect")
    event["payment"] = call(psp.name, event)
    timeout = {"Error": "States.Timeout", "Cause": ""}
    assert call(psp.name, {**a_day_later(event), "redirect": timeout})["status"] == "abandoned"

    def refused(*_: Any) -> None:
        raise PspRefused("Adyen refuses the request: 167")

    monkeypatch.setattr(AdyenPsp, "reverse", refused)
    authorised = adyens_event(event, "AUTHORISATION", "P1", {"value": 2500, "currency": "GBP"}, originalReference="")
    answer = call("adyen_webhook", request_of(world, authorised))

    assert (answer["statusCode"], json.loads(answer["body"])["result"]) == (200, "not settled")


@pytest.mark.parametrize("status", ["open", "declined"])
@pytest.mark.parametrize("amount", [100, 9900])
def test_another_amount_that_adyen_authorised_is_a_conflict(call: Call, psp: World, status: str, amount: int) -> None:
    """Adyen named the payment before it was decided, so it is the flow's own."""
    world = of_adyen(psp)
    event = donation(psp, "paid")
    event["donation"]["payment_method"]["token"] = "pm_pending"
    store().put(intent(event))
    event["payment"] = call(psp.name, event)
    assert event["payment"]["status"] == "pending"
    if status != "open":
        store().put(from_document({**event, "payment": {**event["payment"], "status": status, "reference": None}}))
    named = str(event["payment"]["reference"]).partition(":")[2]
    of_another = {"value": amount, "currency": "GBP"}

    answer = call(
        "adyen_webhook",
        request_of(world, adyens_event(event, "AUTHORISATION", named, of_another, originalReference="")),
    )

    assert answer["statusCode"] == 200
    [conflict] = store().list(Query(status="conflict"))
    assert (conflict.amount, conflict.reference) == (amount, event["payment"]["reference"])
    record = store().get(of(event))
    assert record is not None
    assert record.status != "paid"
    with pytest.raises(PspRefused, match="authorised another amount"):
        call(psp.name, event)


def test_answers_in_the_order_of_their_meaning_not_of_the_clocks_of_those_who_stored_them(data: Path) -> None:
    """One function's clock is minutes ahead: its older answer seems to be the last one."""
    known = [
        Fact("don-1-1", SENT, "2026-01-01T10:00:00.000Z", amount=2500, currency="GBP"),
        Fact("don-1-1", ANSWERED, "2026-01-01T10:05:00.000Z", "RedirectShopper", url="https://adyen.example/3ds"),
        Fact("don-1-1", ANSWERED, "2026-01-01T10:02:00.000Z", "Received", psp_reference="P1"),
    ]
    for order in permutations(known):
        state = states.payment(order, "don-1-1")
        assert state is not None
        assert state.outcome is Outcome.PENDING


def test_a_rejected_key_is_not_hidden_by_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is read anew, and people are told of what nothing else would settle."""
    metrics: list[tuple[str, int]] = []
    monkeypatch.setattr("handlers.psp_webhook.report", lambda *metric: metrics.append(metric))

    def step(error: Exception) -> Callable[[], str]:
        def fails() -> str:
            raise error

        return fails

    errors = [PspUnavailable("down"), NeedsOperator("look there"), KeyRejected("rotated"), PspUnavailable("down")]
    with pytest.raises(KeyRejected):
        settle_each({str(number): step(error) for number, error in enumerate(errors)}, LOG, (NeedsOperator,))
    with pytest.raises(PspUnavailable, match="the first one"):
        settle_each({"1": step(PspUnavailable("the first one")), "2": step(PspUnavailable("the second"))}, LOG)
    assert metrics == [("UnsettledEvents", 1)]
