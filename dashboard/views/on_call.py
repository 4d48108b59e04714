"""Who is on call: the weeks of each program, its deputy, who is away, and how one is reached oneself."""

from __future__ import annotations

from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from dashboard.frame import COORDINATORS, EVERYBODY, LEADS, Action, Ask, Conflict, Decided, FormErrors, NotFound, Page
from dashboard.oncall import store
from dashboard.oncall.gaps import gaps_of
from dashboard.oncall.rota import Leave, Rota, start_of, week_of
from dashboard.oncall.store import rota_of
from matcher.instants import DAY, midnight

WEEKS_SHOWN: Final = 8  # two months of holidays can be planned
NOBODY: Final = "-"
LEAVE_DAYS_MAX: Final = 366
MAIL: Final = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"


class Who(BaseModel):
    """Somebody who may be on call."""

    id: str
    name: str
    channels: list[str]
    is_away: bool


class Week(BaseModel):
    """Who has a week."""

    start: int
    account: str | None
    is_away: bool
    """Whether they are away at its beginning, or now if it has begun."""


class OfProgram(BaseModel):
    """The rota of a program."""

    program: str
    now: list[str]
    """Names of those who are on call now, in the order in which they are called."""

    then: list[str]
    """Names of those who are called after them."""

    first: int
    """Number of the first week shown."""

    weeks: list[Week]
    deputy: str | None
    version: int
    """How often it was written down: who writes says which one they saw."""

    choices: list[Who]


class Away(BaseModel):
    """A leave that has not ended."""

    id: str
    name: str
    since: int
    until: int


class OnCall(BaseModel):
    """Who is on call."""

    programs: list[OfProgram]
    leaves: list[Away]
    people: list[Who]
    channels: list[str]
    gaps: list[str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Everybody as id and name, for a list to choose from."""
        return [(who.id, who.name) for who in self.people]


def view(ask: Ask) -> OnCall:
    """The rota of the programs that the account leads."""
    rota, versions = rota_of(ask), store.versions(ask.db)
    people = {who.id: who for program in ask.programs for who in _choices(rota, program, ask.wall)}
    return OnCall(
        programs=[_of_program(rota, program, versions.get(program, 0), ask.wall) for program in ask.programs],
        leaves=[
            Away(id=row.id, name=people[row.account].name, since=row.since, until=row.until)
            for row in store.leaves(ask.db)
            if row.account in people and row.until > ask.wall
        ],
        people=sorted(people.values(), key=lambda who: (who.name, who.id)),
        channels=sorted(ask.channels),
        gaps=gaps_of(ask),
    )


def _of_program(rota: Rota, program: str, version: int, at: int) -> OfProgram:
    on_call, line, first = rota.stands_in(program, at), rota.line(program, at), week_of(at)
    return OfProgram(
        program=program,
        now=[rota.people[id_].account.name for id_ in on_call],
        then=[rota.people[id_].account.name for id_ in line if id_ not in on_call],
        first=first,
        weeks=[_week(rota, program, week, at) for week in range(first, first + WEEKS_SHOWN)],
        deputy=rota.deputies.get(program),
        version=version,
        choices=_choices(rota, program, at),
    )


def _week(rota: Rota, program: str, week: int, at: int) -> Week:
    account = rota.weeks.get((program, week))
    is_away = account is not None and rota.is_away(account, max(at, start_of(week)))
    return Week(start=start_of(week), account=account, is_away=is_away)


def _choices(rota: Rota, program: str, at: int) -> list[Who]:
    """Who may be on call in a program, by name."""
    found = [
        Who(id=id_, name=person.account.name, channels=list(person.channels), is_away=rota.is_away(id_, at))
        for id_, person in rota.people.items()
        if person.account.roles(program) & COORDINATORS
    ]
    return sorted(found, key=lambda who: (who.name, who.id))


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weeks(_Form):
    """Who has each week from the first on, and who stands in; ``-`` for nobody."""

    first: int = Field(ge=0, le=100_000)
    version: int = Field(ge=0, le=2**31 - 2, description="Of the rota that was seen; on another nothing is written.")
    accounts: list[str] = Field(min_length=1, max_length=WEEKS_SHOWN)
    deputy: str = NOBODY


class Absence(_Form):
    """Somebody is away, both days included."""

    account: str
    since: date
    until: date


class Ended(_Form):
    """A leave is taken away."""


class Reach(_Form):
    """Where to write when something cannot wait; empty for nowhere."""

    mail: str | None = Field(None, max_length=254, pattern=MAIL)


def write(ask: Ask, form: Weeks) -> Decided:
    """Write the weeks and the deputy of a program down. Raises Conflict when somebody else has meanwhile."""
    program = ask.path["program"]
    known = {who.id for who in _choices(store.rota(ask.db, ()), program, ask.wall)}
    if not known.issuperset({*form.accounts, form.deputy} - {NOBODY}):
        raise FormErrors(accounts="Choose somebody who coordinates or leads this program.")
    if not store.begin_after(ask.db, program, form.version):
        raise Conflict(f"somebody else has changed who is on call in {program}, and nothing was written: look again")
    for number, account in enumerate(form.accounts):
        store.set_week(ask.db, program, form.first + number, None if account == NOBODY else account)
    store.set_deputy(ask.db, program, None if form.deputy == NOBODY else form.deputy)
    return Decided([], PAGE.path, f"It is written down who is on call in {program}.", program=program)


def add(ask: Ask, form: Absence) -> Decided:
    """Note that somebody is away."""
    if form.account not in _known(ask):
        raise FormErrors(account="Choose somebody of the list.")
    if not form.since <= form.until:
        raise FormErrors(until="The last day is before the first.")
    leave = Leave(form.account, midnight(form.since), midnight(form.until) + DAY)
    if leave.until - leave.since > LEAVE_DAYS_MAX * DAY or leave.until <= ask.wall:
        raise FormErrors(until="A leave ends in the future, and lasts a year at most.")
    store.add_leave(ask.db, leave)
    return Decided([], PAGE.path, "It is noted. Whoever comes next in the order is called meanwhile.")


def end(ask: Ask, form: Ended) -> Decided:
    """Take a leave away."""
    known = _known(ask)
    if not any(row.id == ask.path["leave"] and row.account in known for row in store.leaves(ask.db)):
        raise NotFound
    store.end_leave(ask.db, ask.path["leave"])
    return Decided([], PAGE.path, "The leave is taken away.")


def reach(ask: Ask, form: Reach) -> Decided:
    """Keep one's own mail address."""
    store.set_mail(ask.db, ask.account.id, form.mail)
    said = "Your mail address is taken away." if form.mail is None else "You are written to when something cannot wait."
    return Decided([], "/account", said)


def _known(ask: Ask) -> set[str]:
    rota = store.rota(ask.db, ())
    return {who.id for program in ask.everywhere for who in _choices(rota, program, ask.wall)}


PAGE = Page("/on-call", "On call", LEADS, view, "on_call.html", nav="more", order=35)
ACTIONS = (
    Action("/on-call/{program}/weeks", LEADS, Weeks, write, PAGE.path, what="wrote who is on call"),
    Action("/on-call/leave", LEADS, Absence, add, PAGE.path, what="noted a leave"),
    Action("/on-call/leave/{leave}/end", LEADS, Ended, end, PAGE.path, what="took a leave away"),
    Action("/account/mail", EVERYBODY, Reach, reach, "/account", what="changed the mail address"),
)
