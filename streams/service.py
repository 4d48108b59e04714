"""The embedded service: one thread decides what everybody hands in, and lets time pass.

Requests that come while the disk is busy are decided together and written in one record (group commit); each is
answered when the journal has it. In mode ``wall`` the thread also fires what falls due.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import islice
from threading import Condition, Thread
from traceback import extract_tb
from typing import Final

import structlog

from matcher.errors import KindredError, SafeHalt, Unreachable, code
from streams.announcer import Feed
from streams.clock import Mode
from streams.folder import DataFolder
from streams.intake import Input
from streams.metrics import Metrics
from streams.processor import NotWhole, Receipt
from streams.projection import NOTICES

BUSY = code("KND-busy", "More events wait to be decided than the service holds. Send them again after Retry-After.")
STOPPING = code("KND-stopping", "The service is stopping and takes nothing more. Send it again when it is back.")
INTERNAL = code(
    "KND-internal",
    "Kindred failed at this batch and took nothing of it. The log has the place in the program; please report it, and "
    "send the events again after an upgrade.",
)

QUEUE_BYTES_MAX: Final = 32 * 1024 * 1024  # some seconds of work; beyond it a sender had better wait
BATCH_EVENTS: Final = 512  # decided together, at most, unless one request has more
REST_SECONDS: Final = 1.0  # after a failure that is not an event's
PATIENCE_SECONDS: Final = 3_600  # the longest sleep: the wall clock may be set meanwhile

log = structlog.get_logger("kindred.streams")


class Busy(Unreachable):
    """The queue is full: nothing was taken."""


class _Job:
    def __init__(self, inputs: Sequence[Input], *, whole: bool = False) -> None:
        self.inputs = inputs
        self.size = sum(len(item.raw) for item in inputs)
        self.whole = whole
        self.done = Future[Receipt]()


class Service:
    """A data folder at work. ``submit`` may be called from any thread."""

    def __init__(self, folder: DataFolder, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._jobs = deque[_Job]()
        self._queued = 0
        self._changed = Condition()
        self._stopping = False
        self._failure: KindredError | None = None
        self._thread = Thread(target=self._run, name="kindred-processor")
        self.feed = Feed(folder.path / NOTICES, folder.state.counts.notices)
        self.metrics = Metrics()
        self.on_failure: Callable[[], None] = lambda: None

    @property
    def ready(self) -> bool:
        """Whether events are taken."""
        return self._thread.is_alive() and not self._stopping and self._failure is None

    @property
    def clock(self) -> Mode | None:
        """Whose time counts; None before the journal has a first record."""
        return self._folder.state.clock

    @property
    def failure(self) -> KindredError | None:
        """Why the service halted; None as long as it works."""
        return self._failure

    def start(self) -> None:
        """Begin to decide."""
        self._thread.start()

    def knows(self, keys: Iterable[bytes]) -> list[bool]:
        """Of inputs, by their keys, whether they came before. Raises Unreachable while the journal is read anew."""
        return self._folder.knows(keys)

    def submit(self, inputs: Sequence[Input], *, whole: bool = False) -> Future[Receipt]:
        """Hand in a batch; the receipt comes when the journal has it. Raises Busy when too much waits.

        With ``whole`` all of it is taken or nothing: the future then raises NotWhole when anything was refused.
        """
        job = _Job(inputs, whole=whole)
        with self._changed:
            if self._stopping or self._failure is not None:
                raise self._failure or Unreachable(STOPPING, "the service is stopping: send it again later")
            if self._queued and self._queued + job.size > QUEUE_BYTES_MAX:
                self.metrics.turned_away()
                raise Busy(BUSY, f"more than {QUEUE_BYTES_MAX} bytes of events wait: send it again in a second")
            self._jobs.append(job)
            self._count(job.size)
            self._changed.notify()
        return job.done

    def stop(self) -> None:
        """Take nothing more, decide what waits, leave a snapshot behind and close the folder."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        if self._failure is None:
            self._folder.close()
        else:
            self._folder.abandon()

    def _run(self) -> None:
        while self._failure is None:
            try:
                if not self._step():
                    return
            except SafeHalt as halt:
                self._halt(halt)
            except Exception as error:  # the folder's: recovering is tried again, and events are refused meanwhile
                self._note(error)
                with self._changed:
                    self._changed.wait(REST_SECONDS)

    def _step(self) -> bool:
        """Decide what waits, or what time brings; False when all is done and the service stops."""
        jobs = self._next_jobs(self._seconds_until_due())
        if jobs:
            self._decide(jobs)
        elif self._stopping:
            return False
        elif self._seconds_until_due() <= 0:
            self._folder.tick(int(self._clock()))
            self._announce()
        return True

    def _next_jobs(self, patience: float) -> list[_Job]:
        """Wait for something to do, and take as many requests as go into one batch."""
        with self._changed:
            if not self._jobs and not self._stopping:
                self._changed.wait(patience)
            jobs, events = list[_Job](), 0
            while self._jobs and (not jobs or events + len(self._jobs[0].inputs) <= BATCH_EVENTS):
                if jobs and self._jobs[0].whole:
                    break
                job = self._jobs.popleft()
                self._count(-job.size)
                if job.done.set_running_or_notify_cancel():  # a sender that went away is not answered
                    jobs.append(job)
                    events += len(job.inputs)
                    if job.whole:  # it stands or falls by itself
                        break
        return jobs

    def _decide(self, jobs: list[_Job]) -> None:
        started = time.perf_counter()
        take = self._folder.take_whole if jobs[0].whole else self._folder.take
        try:
            receipt = take([item for job in jobs for item in job.inputs], int(self._clock()))
        except NotWhole as refusal:
            jobs[0].done.set_exception(refusal)
            return
        except Exception as error:
            self._after_failure(jobs, error)
            return
        self.metrics.decided(receipt, time.perf_counter() - started, self._folder.state.counts.notices)
        self._announce()
        results = iter(receipt.results)
        for job in jobs:
            job.done.set_result(Receipt(receipt.position, tuple(islice(results, len(job.inputs)))))

    def _after_failure(self, jobs: list[_Job], error: Exception) -> None:
        """Nothing of the batch counts. Damage halts the service; else each request is decided by itself."""
        trouble = self._note(error)
        if len(jobs) > 1 and not isinstance(error, SafeHalt):
            for job in jobs:
                self._decide([job])
            return
        for job in jobs:
            job.done.set_exception(trouble)
        if isinstance(error, SafeHalt):
            raise error

    def _seconds_until_due(self) -> float:
        """How long nothing has to be done; at most PATIENCE_SECONDS, because the wall clock may be set."""
        if self._folder.state.clock != "wall" or (due := self._folder.next_due()) is None:
            return PATIENCE_SECONDS
        return min(max(0.0, due - self._clock()), PATIENCE_SECONDS)

    def _announce(self) -> None:
        self.feed.extend(self._folder.state.counts.notices)

    def _count(self, size: int) -> None:
        self._queued += size
        self.metrics.queued(self._queued)

    def _halt(self, halt: SafeHalt) -> None:
        self._note(halt)
        with self._changed:
            self._failure = halt
            jobs, self._jobs = list(self._jobs), deque()
        for job in jobs:
            if job.done.set_running_or_notify_cancel():
                job.done.set_exception(halt)
        self.on_failure()

    def _note(self, error: Exception) -> KindredError:
        """Log a failure and return the error to answer with. A defect's own text may hold personal facts: not told."""
        self.metrics.failed()
        if isinstance(error, KindredError):
            log.error("a batch was not taken", code=error.code, reason=error.message)
            return error
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
        log.error("a batch was not taken", code=INTERNAL, kind=type(error).__name__, places=places)
        return Unreachable(INTERNAL, f"Kindred failed at this batch ({type(error).__name__}): please report it")
