"""The home on Kafka keeps the contract, on a real broker; and what a log that lives elsewhere adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from journal.kafka import NO_PARTITION, KafkaJournal
from journal.owner import Lost
from journal.port import ENTRY_BYTES_MAX
from journal.reader import Reader
from matcher.errors import ConfigurationError, SafeHalt, Unreachable
from tests.conftest import KafkaMaker
from tests.journal.contract import JournalContract
from tests.journal.homes import batch, entries, fold_into, folded, owner_of
from tests.journal.homes import facts as facts_of
from tests.journal.kafka_logs import KafkaLog, administrator
from tools.kafka import Kafka


@pytest.mark.slow
class TestKafka(JournalContract):
    @pytest.fixture
    def new_log(self, kafka_broker: Kafka) -> Iterator[Callable[[], KafkaLog]]:
        made: list[KafkaLog] = []

        def make() -> KafkaLog:
            made.append(KafkaLog(kafka_broker))
            return made[-1]

        yield make
        for log in made:
            log.close()


@pytest.fixture
def log(kafka_broker: Kafka) -> Iterator[KafkaLog]:
    log = KafkaLog(kafka_broker)
    yield log
    log.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers that are away are given up after three seconds instead of thirty."""
    monkeypatch.setattr("journal.kafka.APPEND_SECONDS", 3)
    monkeypatch.setattr("journal.kafka.ASK_SECONDS", 3)


@pytest.mark.slow
def test_a_partition_that_is_not_there_is_not_made(log: KafkaLog, kafka_broker: Kafka) -> None:
    for topic, partition in ((log.topic, 1), ("no-such-topic", 0)):
        with pytest.raises(ConfigurationError, match="kindred topics create") as refusal:
            KafkaJournal({"bootstrap_servers": kafka_broker.address}, topic, partition)
        assert refusal.value.code == NO_PARTITION
    with administrator(kafka_broker) as admin:
        assert "no-such-topic" not in admin.list_topics()


@pytest.mark.slow
def test_entries_of_any_size_that_is_allowed_are_taken(log: KafkaLog) -> None:
    home = log.handle()
    bodies = [
        bytes([n]) * size for n, size in enumerate((ENTRY_BYTES_MAX, 1, ENTRY_BYTES_MAX, 500_000, 500_000, 90_000))
    ]
    assert home.append(bodies) == list(range(len(bodies)))
    assert [entry.body for entry in entries(home)] == bodies


@pytest.mark.slow
def test_what_fits_into_one_kafka_batch_is_written_whole_or_not_at_all(kafka_broker: Kafka) -> None:
    log = KafkaLog(kafka_broker, max_message_bytes="100000")
    home = log.handle()
    home.append([b"before"])
    with pytest.raises(ConfigurationError, match="topics check") as refusal:
        home.append([bytes(10_000)] * 30)  # each could be written alone
    assert refusal.value.code == "KND-journal-refused"
    assert home.append([b"after"]) == [1]
    assert [entry.body for entry in entries(home)] == [b"before", b"after"]
    log.close()


@pytest.mark.slow
def test_an_aborted_transaction_is_a_gap_that_nobody_notices(log: KafkaLog) -> None:
    home, follower = log.handle(), Reader(log.handle())
    owner = owner_of(home)
    first = owner.append(batch("a"))
    log.in_a_transaction([b"never there"] * 3, commit=False)
    assert folded(follower) == ["a"]
    assert home.tail() is None, "the last position holds a transaction's mark"
    second = owner.append(batch("b"))
    assert second > first + 3
    log.in_a_transaction([b"never there"], commit=False)
    assert folded(follower) == ["b"]
    assert facts_of(log.handle()) == facts_of(log.handle(), whole=False) == ["a", "b"]
    owner_of(log.handle()).append(batch("c"))
    assert facts_of(home) == ["a", "b", "c"]


@pytest.mark.slow
def test_a_truncation_in_the_middle_of_a_recovery_begins_it_again(
    log: KafkaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.kafka.READ_BYTES", 20_000)
    owner = owner_of(log.handle())
    for n in range(40):
        owner.append(batch(f"{n}" + "." * 5_000))
    recovery = Reader(log.handle(), whole=True)
    state: list[str] = []
    for count, item in enumerate(recovery.counted()):
        fold_into(state, item)
        if count == 10:
            owner.announce(owner.tally.record)
            owner.snapshot(b"the state of forty", layout=1)
            owner.append(batch("41"))
            owner.truncate()
    assert state == ["the state of forty", "41"]


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_topic_deleted_and_made_again_is_a_safe_halt(log: KafkaLog) -> None:
    home, follower = log.handle(), Reader(log.handle())
    owner = owner_of(home)
    owner.append_many([batch("a"), batch("b")])
    assert folded(follower) == ["a", "b"]
    log.delete()
    log.make()
    with pytest.raises(SafeHalt) as halt:
        folded(follower)
    assert (halt.value.code, halt.value.exit_code) == ("KND-journal-shortened", 5)
    with pytest.raises((SafeHalt, Lost)) as end:
        owner.append(batch("c"))
    if isinstance(end.value, Lost):  # the old topic's leader did not answer any more: who claims again sees it
        with pytest.raises(SafeHalt):
            home.read(owner.tally.position + 1)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_broker_killed_during_an_append_leaves_it_open_and_loses_nothing(new_kafka: KafkaMaker) -> None:
    with new_kafka() as kafka:
        log = KafkaLog(kafka)
        home = log.handle()
        owner = owner_of(home)
        acknowledged = [f"fact {n}" for n in range(100)]
        for fact in acknowledged:
            owner.append(batch(fact))
        kafka.nodes[0].pause()  # it has the request before it dies
        with pytest.raises(Lost, match="without an answer"):
            owner.append(batch("perhaps"))
        with pytest.raises(Unreachable) as away:
            home.head()
        assert away.value.code == "KND-journal-away"
        kafka.nodes[0].kill()
        kafka.restart(0)
        heir = owner_of(log.handle())
        heir.append(batch("after"))
        found = facts_of(log.handle())
        assert [fact for fact in found if fact != "perhaps"] == [*acknowledged, "after"]
        assert found.count("perhaps") <= 1
        log.close()


@pytest.mark.slow
def test_the_leader_of_three_is_killed_and_the_owner_goes_on(new_kafka: KafkaMaker) -> None:
    with new_kafka(3) as kafka:
        log = KafkaLog(kafka)
        owner = owner_of(log.handle())
        owner.append(batch("a"))
        with administrator(kafka) as admin:
            [topic] = admin.describe_topics([log.topic])
        kafka.nodes[topic["partitions"][0]["leader_id"] - 1].kill()
        owner.append(batch("b"))
        owner.append(batch("c"))
        assert facts_of(log.handle()) == ["a", "b", "c"]
        log.close()


@pytest.mark.slow
def test_a_record_that_the_disk_has_changed_is_a_safe_halt(log: KafkaLog) -> None:
    log.handle().append([b"a", b"what was decided"])
    log.change_on_the_disk(b"what was decided", b"what was besides")
    with pytest.raises(SafeHalt) as halt:
        entries(log.handle())
    assert (halt.value.code, halt.value.exit_code) == ("KND-journal-record", 5)
    assert "besides" not in halt.value.message


@pytest.mark.slow
def test_nothing_of_a_record_is_in_an_error(kafka_broker: Kafka) -> None:
    log = KafkaLog(kafka_broker, max_message_bytes="1000")
    home = log.handle()
    with pytest.raises(ConfigurationError) as refusal:
        home.append([b"m-17" * 1000])
    assert "m-17" not in str(refusal.value)
    log.close()
