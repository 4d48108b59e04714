"""Headers whose names are no UTF-8, which Kafka's own clients read and the Python ones do not.

Any client may write them, and one such record would end the reading of its partition for ever. Kafka's Java client
reads what is no UTF-8 as replacement characters. The names that Kindred looks at are ASCII: nothing it reads changes.
"""

from __future__ import annotations

from typing import Any

from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch


class _Name(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _Lenient(bytearray):
    """The bytes of a batch, whose parts know to be text somehow."""

    def __getitem__(self, where: Any) -> Any:
        part = super().__getitem__(where)
        return _Name(part) if isinstance(where, slice) else part


class _Batch(DefaultRecordBatch):  # type: ignore[misc]  # kafka-python has no types
    """A batch that is read again, leniently, from a record at which the strict reading fails."""

    _buffer: bytearray
    _pos: int

    def _read_msg(self) -> Any:
        start = self._pos
        try:
            return super()._read_msg()
        except UnicodeDecodeError:
            self._buffer, self._pos = _Lenient(self._buffer), start
            return super()._read_msg()


def be_lenient() -> None:
    """Have kafka-python read such names, in this process from now on. Costs nothing at records that are well."""
    memory_records.DefaultRecordBatch = _Batch
