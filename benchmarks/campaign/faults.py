"""What happens to a call and to a transaction of a store, decided by its name: the same in every run of a scenario."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from attrs import define, evolve, field

from benchmarks.campaign.plan import Plan
from flowdsl.engine import Call, Invoker, Reply

_MALFORMED: tuple[Any, ...] = (None, {}, [], "<html>", 7, {"status": None}, {"status": "unheard of"})
_RARELY = 0.1


@define
class Faults:
    """The faults of one scenario, and how often each kind has struck."""

    plan: Plan
    counts: Counter[str] = field(factory=Counter)
    _seen: Counter[str] = field(factory=Counter)

    def dice(self, name: str) -> Random:
        """Return the dice of the next occurrence of something."""
        self._seen[name] += 1
        return Random(f"{self.plan.seed}/{self.plan.index}/{name}/{self._seen[name]}")

    def call(self, call: Call, execution: str, real: Invoker, wrap: Callable[[Any], Reply]) -> Reply:
        """Answer a call of a state: as the real handler does, or with a fault."""
        dice = self.dice(f"call {execution} {call.state_name}")
        if dice.random() >= self.plan.call_faults:
            return real(call)
        faults = self._call_faults(call, real, wrap, dice)
        kind = dice.choice(sorted(faults))
        self.counts[f"call: {kind}"] += 1
        return faults[kind]()

    def _call_faults(
        self, call: Call, real: Invoker, wrap: Callable[[Any], Reply], dice: Random
    ) -> dict[str, Callable[[], Reply]]:
        def failed(error: str, *, after: bool, seconds: float = 0.0) -> Reply:
            if after:
                real(call)
            cause = json.dumps({"errorType": error, "errorMessage": "injected"})
            return Reply.failed(error, cause, seconds=seconds)

        def twice() -> Reply:
            first, second = real(call), real(call)
            return dice.choice((first, second))

        def after(answer: Reply) -> Reply:
            real(call)
            return answer

        faults: dict[str, Callable[[], Reply]] = {
            "throttled": lambda: failed("Lambda.TooManyRequestsException", after=False),
            "service error": lambda: failed("Lambda.ServiceException", after=False),
            "crash before the effect": lambda: failed("Runtime.ExitError", after=False),
            "crash after the effect": lambda: failed("Runtime.ExitError", after=True),
            "answer lost": lambda: failed("Lambda.Unknown", after=True),
            "function timeout": lambda: failed("Sandbox.Timedout", after=dice.random() < 0.5, seconds=50),
            "delivered twice": twice,
        }
        if call.timeout_seconds is not None and not call.waits:
            faults["step timeout before the effect"] = Reply.timed_out
            faults["step timeout after the effect"] = lambda: after(Reply.timed_out())
            faults["slow"] = lambda: evolve(real(call), seconds=70)
        # What PersistOutput answers is the result: an answer of another status would be a lie, not a malformed one.
        if dice.random() < _RARELY and not call.waits and call.state_name != "PersistOutput":
            faults["oversize"] = lambda: after(wrap("x" * 262_143))
            faults["malformed answer"] = lambda: after(wrap(dice.choice(_MALFORMED)))
        return faults

    def transaction(self, where: str, store: str) -> str | None:
        """Return the fault of a store's transaction, or None."""
        dice = self.dice(f"transaction {where} {store}")
        if dice.random() >= (self.plan.psp_faults if store == "psp-sandbox" else self.plan.store_faults):
            return None
        kind = dice.choice(("refused", "answer lost", "crash before the commit", "crash after the commit"))
        self.counts[f"{'PSP' if store == 'psp-sandbox' else 'store'}: {kind}"] += 1
        return kind

    def request(self, where: str) -> str | None:
        """Return the fault of a request to a PSP over HTTP, or None."""
        dice = self.dice(f"request {where}")
        if dice.random() >= self.plan.psp_faults:
            return None
        kind = dice.choice(("refused", "answer lost", "unauthorized", "throttled", "failed", "garbled", "crash"))
        self.counts[f"{self.plan.psp}: {kind}"] += 1
        return kind

    def clock(self, now: str) -> str:
        """Return what a function's clock shows: others differ from it, and it is set back between two looks."""
        skew = self.plan.clock_skew
        seconds = self.dice("clock").uniform(-skew, skew)
        moment = datetime.fromisoformat(now) + timedelta(seconds=seconds)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def deliveries(self, event: str) -> list[tuple[int, str]]:
        """Return when a PSP's event arrives, in seconds, and as what: itself, or `forged`; nothing if it is lost."""
        dice = self.dice(f"event {event}")
        if self.plan.webhook == "never":
            return []
        if self.plan.webhook == "at once":
            return [(0, "event")]
        late = (1, 60, 700, 3600, 30 * 3600, 70 * 3600)
        if self.plan.webhook == "late":
            return [(dice.choice(late), "event")]
        kinds = dice.choices(("event", "event", "forged"), k=dice.choice((0, 1, 2, 3)))
        return [(dice.choice((0, 0, *late)), kind) for kind in kinds]

    def decision(self, what: str) -> int:
        """Return after how many seconds a bank, or a PSP, decides."""
        return self.dice(f"decision {what}").choice((0, 60, 3600, 26 * 3600, 4 * 86400, 9 * 86400))

    def race(self, where: str) -> bool:
        """Return true if another execution runs before this transaction."""
        happens = self.dice(f"race {where}").random() < self.plan.races
        self.counts["race: another execution in between"] += happens
        return happens
