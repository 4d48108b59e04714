"""Every error that Kindred raises on purpose.

::

    KindredError                    one sentence: what, where, what to do; a code KND-…; an exit code
    ├── Refused                     an event that is not taken: it becomes a dead letter (exit 3)
    ├── ConfigurationError          wrong usage, setting, policy or folder (exit 2)
    │   └── PolicyError             a number or a key of the policy is not allowed
    ├── MarketError                 a change of the market that makes no sense; the market is as before
    ├── Unreachable                 a needed part is away or taken by somebody else (exit 4)
    └── SafeHalt                    the journal is damaged or newer than this version: nothing is skipped (exit 5)

The codes of all of them, with their meaning and the way out, are in ``CODES`` and on ``docs/reference/errors.md``;
a test holds the two together.
"""

from __future__ import annotations

CODES: dict[str, str] = {}
"""Code → what it means and what to do, for every code that an error can carry."""


def code(name: str, meaning: str) -> str:
    """Register an error code beside the rule that raises it, and return it."""
    if CODES.setdefault(name, meaning) != meaning:
        raise ValueError(f"error code {name} is registered twice with different meanings")
    return name


class KindredError(Exception):
    """Base of all errors: a code, one sentence, and the exit code of a command that ends with it."""

    exit_code = 2

    def __init__(self, code: str, message: str) -> None:
        if code not in CODES:
            raise ValueError(f"{code} is not a registered error code")
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Refused(KindredError):
    """An event that is not taken. It is kept as a dead letter with this code and reason."""

    exit_code = 3


class ConfigurationError(KindredError):
    """Wrong usage, setting or data folder: the command ends before it changes anything."""

    exit_code = 2


class PolicyError(ConfigurationError):
    """A policy file that cannot be taken: unknown key, wrong type, number out of its bounds."""


class MarketError(KindredError):
    """A change that the market cannot make (unknown or repeated key, weight out of range); its state is as before."""

    exit_code = 2


class Unreachable(KindredError):
    """A needed part is unreachable, or taken by another process."""

    exit_code = 4


class SafeHalt(KindredError):
    """The journal cannot be trusted, or is newer than this version. Nothing is skipped; a person decides."""

    exit_code = 5
