"""The thread that calls: it looks every few seconds, beside the follower, and never holds up a page or the journal."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from traceback import extract_tb
from typing import Any, Final

import structlog
from sqlalchemy import Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from dashboard import history
from dashboard.oncall import desk, store, unseen
from dashboard.oncall.channels import Channel, Message
from dashboard.oncall.desk import Delivery, Stand
from dashboard.parts import Replica
from dashboard.silence import Silence
from dashboard.views import alarms
from dashboard.views.alarms import Alarm
from matcher.errors import KindredError
from matcher.program import Program

LOOK_SECONDS: Final = 5.0
BREATH_SECONDS: Final = 50.0  # so long after a claim messages are sent; then they are claimed again (60 s)

log = structlog.get_logger("kindred.dashboard")


@dataclass(frozen=True)
class Calling:
    """How somebody is called: the channels, where the messages lead, and how long one person has."""

    channels: tuple[Channel, ...]
    link: str
    wait_seconds: int

    @property
    def names(self) -> frozenset[str]:
        """Of the channels."""
        return frozenset(channel.name for channel in self.channels)


class Caller:
    """Calls whoever is on call. ``start`` and ``stop`` may be called once; ``look`` is one look."""

    def __init__(
        self,
        engine: Engine,
        replica: Replica,
        calling: Calling,
        *,
        clock: Callable[[], float] = time.time,
        paced: bool = False,
        ready: Callable[[], bool] = lambda: True,
        silences: Callable[[], Sequence[Silence]] = lambda: (),
    ) -> None:
        self._engine = engine
        self._replica = replica
        self._calling = calling
        self._clock = clock
        self._paced = paced
        self._ready = ready
        self._silences = silences
        self._holder = secrets.token_hex(8)
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="kindred-on-call", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for the message under way."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> int:
        """Send what is due now; how many messages were handed over.

        Before the journals were read to their end the only alarm is that this does not come.
        """
        now = int(self._clock())
        blind, is_ready = self._unseen(now), self._ready()
        if not is_ready and not blind:
            return 0
        stand = self._stand(now, blind) if is_ready else Stand(blind, self._called() | _names(blind))
        wait = self._calling.wait_seconds
        with self._engine.connect() as db:
            rota = store.rota(db, self._calling.names)
            if desk.is_idle(db, rota, stand, now, wait):
                return 0
        with self._engine.begin() as db:
            claimed = desk.take(db, self._holder, self._calling.names, stand, now, wait)
            mails = store.mails_of(db)
        return sum(self._deliver(delivery, mails, now) for delivery in claimed)

    def _unseen(self, now: int) -> list[Alarm]:
        silences = self._silences()
        if not silences:
            return []
        with self._engine.connect() as db:
            return unseen.alarms_of(db, silences, now)

    def _called(self) -> set[tuple[str, str]]:
        """What somebody was called about: it stands for all that is known."""
        with self._engine.connect() as db:
            return {(row.program, row.alert) for row in store.calls(db)}

    def _stand(self, now: int, blind: list[Alarm]) -> Stand:
        """What stands in the programs, and that nothing new is seen of some."""
        with self._replica.reading() as programs:
            at = self._at(programs.values(), now)
            found = [alarm for program in programs.values() for alarm in alarms.of_program(program, at)]
            names = list(programs)
        with self._engine.connect() as db:
            handled = history.alerts_of(db, names)
        urgent = [alarm for alarm in found if alarm.level == "now" and (alarm.program, alarm.id) not in handled]
        stands = [alarm for alarm in found if at < alarm.ends or not _is_resolved(handled, alarm)]
        taken = {(alarm.program, alarm.matter) for alarm in found if (alarm.program, alarm.id) in handled}
        return Stand([*urgent, *blind], _names([*stands, *blind]), taken | handled.keys())

    def _at(self, programs: Iterable[Program], now: int) -> int:
        if not self._paced:
            return now
        return max((program.at for program in programs if program.at is not None), default=now)

    def _deliver(self, delivery: Delivery, mails: Mapping[str, str], now: int) -> bool:
        if self._stopping.is_set() or self._clock() - now > BREATH_SECONDS:
            return False
        code = self._sent(delivery, mails.get(delivery.account), now)
        with self._engine.begin() as db:
            desk.record(db, delivery, int(self._clock()), code)
        return code is None

    def _sent(self, delivery: Delivery, to: str | None, now: int) -> str | None:
        """Hand a message over; the code of what went wrong."""
        channel = next(one for one in self._calling.channels if one.name == delivery.channel)
        try:
            channel.send(Message(delivery.message, now, self._calling.link, delivery.account), to)
        except KindredError as trouble:
            log.error("a call was not delivered", channel=channel.name, code=trouble.code, reason=trouble.message)
            return trouble.code
        return None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except SQLAlchemyError as trouble:
                log.error("nobody can be called while the database is away", kind=type(trouble).__name__)
            except Exception as error:  # a defect: its own text may hold personal facts; the next look may do better
                places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
                log.error("looking whom to call failed", kind=type(error).__name__, places=places[-8:])
            self._stopping.wait(LOOK_SECONDS)


def _names(found: Iterable[Alarm]) -> set[tuple[str, str]]:
    return {(alarm.program, alarm.id) for alarm in found}


def _is_resolved(handled: Mapping[tuple[str, str], Row[Any]], alarm: Alarm) -> bool:
    row = handled.get((alarm.program, alarm.id))
    return row is not None and row.resolved_at is not None
