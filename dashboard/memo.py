"""What views would ask for again, kept: of a whole program until it or the minute changes, of a page for that page.

Views stay functions of what they are asked with: the memory holds only what the same program would give again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from dashboard.frame import Ask
from matcher.people.member import Member
from matcher.program import Program

T = TypeVar("T")
P = ParamSpec("P")
MINUTE: Final = 60  # what time alone changes on a page may be this old


def by_ask(make: Callable[[Ask], T]) -> Callable[[Ask], T]:
    """Ask once for what a page needs in several places: ``make(ask)`` is the same until the page is made."""

    @wraps(make)
    def asked(ask: Ask) -> T:
        if make not in ask.known:
            ask.known[make] = make(ask)
        found: T = ask.known[make]
        return found

    return asked


def by_program(make: Callable[[Program, int], T]) -> Callable[[Program, int], T]:
    """Keep the answer of ``make(program, at)`` until the next fact of the program, and for a minute at most."""
    kept: WeakKeyDictionary[Program, tuple[tuple[int, int], T]] = WeakKeyDictionary()

    @wraps(make)
    def asked(program: Program, at: int) -> T:
        key = (program.n, at // MINUTE)
        held = kept.get(program)
        if held is None or held[0] != key:
            held = kept[program] = (key, make(program, at))
        return held[1]

    return asked


def by_member(make: Callable[[Program, Member, int], T | None]) -> Callable[[Program, int], Mapping[str, T]]:
    """Keep what is said of each member of whom something is said: until a fact names them, and for a minute at most."""
    kept: WeakKeyDictionary[Program, tuple[tuple[int, int], dict[str, T]]] = WeakKeyDictionary()

    @wraps(make)
    def asked(program: Program, at: int) -> Mapping[str, T]:
        key, members = (program.n, at // MINUTE), program.state.members
        held = kept.get(program)
        if held is not None and held[0] == key:
            return held[1]
        named = program.named_since(held[0][0]) if held is not None and held[0][1] == key[1] else None
        if held is None or named is None:
            said, who_may_differ = dict[str, T](), [member.id for member in members]
        else:
            said, who_may_differ = held[1], named
        for who in who_may_differ:
            member = members.get(who)
            one = None if member is None else make(program, member, at)
            if one is not None:
                said[who] = one
            else:
                said.pop(who, None)
        kept[program] = key, said
        return said

    return asked


def by_minute(make: Callable[Concatenate[Program, int, P], T]) -> Callable[Concatenate[Program, int, P], tuple[T, int]]:
    """Keep the answer for a minute, with the instant that it is of: for what takes a while.

    Only where pairing begins or ends, or another policy is in force, it is made anew at once.
    What is passed beside program and instant says where to read, never what: the answer is the same for all.
    """
    kept: WeakKeyDictionary[Program, tuple[int, tuple[bool, str | None], T]] = WeakKeyDictionary()

    @wraps(make)
    def asked(program: Program, at: int, /, *where: P.args, **more: P.kwargs) -> tuple[T, int]:
        held, ruled = kept.get(program), (program.state.pairing, program.state.policy_digest)
        if held is None or not 0 <= at - held[0] < MINUTE or held[1] != ruled:
            held = kept[program] = (at, ruled, make(program, at, *where, **more))
        return held[2], held[0]

    return asked
