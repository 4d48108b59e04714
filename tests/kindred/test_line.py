"""What becomes of decisions that are sent over Kafka: taken, refused, in part, or not known yet."""

from __future__ import annotations

from types import SimpleNamespace

from dashboard.frame import Sent
from dashboard.replica import REFUSALS_MAX, Replica
from kindred.face_kafka import Line
from tests.kindred.test_dashboard import joined


class Partitions:
    """Takes events as Kafka does, and has them decided at once, as workers would."""

    def __init__(self, replica: Replica, refuse: dict[str, str], *, is_decided: bool = True) -> None:
        self.taken: list[str] = []
        self._replica, self._refuse, self._is_decided = replica, refuse, is_decided

    def publish(self, event):
        offset, who = len(self.taken), event["subject"]
        self.taken.append(who)
        if self._is_decided:
            self._replica.refused("3", {offset: self._refuse[who]} if who in self._refuse else {})
            self._replica.reached("3", offset, offset + 1)
        return SimpleNamespace(id=event["id"], place=(3, offset), wait=lambda: None)


def sent(*events, refuse=None, **more) -> tuple[Sent, list[str]]:
    replica = Replica()
    partitions = Partitions(replica, refuse or {}, **more)
    return Line(partitions, replica, seconds=0.05).send(events), partitions.taken


def test_what_is_taken_is_seen() -> None:
    assert sent(joined("n-1"), joined("n-2")) == (Sent(None, []), ["n-1", "n-2"])


def test_what_a_worker_refuses_is_refused() -> None:
    answer, _ = sent(joined("n-1"), refuse={"n-1": "KND-barred"})
    assert answer == Sent(None, [("joined-n-1", "KND-barred")])
    answer, _ = sent(joined("n-1"), joined("n-2"), refuse={"n-2": "KND-barred"})
    assert answer == Sent(None, [("joined-n-2", "KND-barred")], in_part=True)


def test_what_nobody_has_decided_on_is_not_said_to_be_done() -> None:
    assert sent(joined("n-1"), is_decided=False)[0] == Sent(None, [], decided=False)


def test_what_nobody_could_read_keeps_all_from_being_sent() -> None:
    answer, taken = sent(joined("n-1"), {**joined("n-2"), "data": {"experiences": "x"}})
    assert ([id_ for id_, _ in answer.refused], taken) == (["joined-n-2"], [])


def test_refusals_are_forgotten_when_there_are_many() -> None:
    replica = Replica()
    replica.refused("0", dict.fromkeys(range(REFUSALS_MAX + 1), "KND-barred"))
    assert (replica.refusal("0", 0), replica.refusal("0", 1), replica.refusal("1", 1)) == (None, "KND-barred", None)
