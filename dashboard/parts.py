"""What the application is made of; ``kindred`` puts it together, tests put other parts in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import Engine

from dashboard.access.provider import Provider
from dashboard.access.sessions import IDLE_SECONDS
from dashboard.frame import Ask, Send
from dashboard.hub import Hub
from dashboard.means import Means
from dashboard.silence import Silence
from dashboard.views import standing
from dashboard.views.standing import Urgent
from matcher.program import Program

WAIT_SECONDS: Final = 2.0  # for one's own decision to be seen; a projection that is further behind is said to be so


class Replica(Protocol):
    """The programs as the journal has them, kept up to date by another thread."""

    def reading(self) -> AbstractContextManager[Mapping[str, Program]]:
        """The programs by id; nothing changes them until the context ends. Keep it short."""

    def wait(self, position: int, seconds: float) -> bool:
        """Wait until replica and read model have this position; False when they have not after that time."""


@dataclass(frozen=True)
class Parts:
    """A database, a replica, a way to send events, a clock."""

    engine: Engine
    replica: Replica
    send: Send
    send_whole: Send | None = None
    """Hands events to the service that are taken all or none; without it they are sent like any."""

    means: Means = field(default_factory=Means)
    clock: Callable[[], float] = time.time
    idle_seconds: int = IDLE_SECONDS
    urgent: Callable[[Ask], Urgent] = standing.urgent
    """How many things cannot wait; the *now* line of every page shows the counts."""

    hub: Hub = field(default_factory=Hub)
    """Tells open pages that something is new; the follower tells it."""

    silences: Callable[[], Sequence[Silence]] = lambda: ()
    """The journals of which nothing new is seen at the moment; every page says so."""

    closing: Callable[[], bool] = lambda: False
    """Whether the process is about to stop: streams end then."""

    provider: Provider | None = None
    """Who else says who somebody is; None where all come by password."""

    channels: frozenset[str] = frozenset()
    """How somebody can be called when something cannot wait; none: every page says so."""

    paced: bool = False
    """Whether the programs' clock is that of their events: pages then tell time by it, and accounts by the wall's."""

    def now(self) -> int:
        """Epoch seconds."""
        return int(self.clock())
