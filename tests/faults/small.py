"""What the checker sees of a run in memory: one partition, a topic in a list."""

from tests.faults.checker import Message, Topics
from tests.streams.grounds import World


def seen(world: World) -> Topics:
    """Everything that lies in the topics of a world."""
    entries = [(entry.position, entry.body) for entry in world.journal._entries]
    events = [
        Message(0, each.offset, each.record.key, each.record.value or b"", tuple(each.record.headers))
        for each in world.topic.records
        if each is not None
    ]
    sent = [
        (topic, Message(0, place, record.key, record.value or b"", tuple(record.headers)))
        for place, (topic, record) in enumerate(world.sent)
    ]
    return Topics(
        journal={0: entries},
        events=events,
        notices=[(topic, message) for topic, message in sent if topic != "kindred.dead-letters"],
        letters=[message for topic, message in sent if topic == "kindred.dead-letters"],
        acknowledged={(event.header("ce_source"), event.header("ce_id")) for event in events},
        partitions=1,
    )
