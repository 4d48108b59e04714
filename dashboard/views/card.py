"""A proposal as a coordinator decides on it: closed, in one glance; unfolded, with everything that bears on it.

The version of a card is a digest of what the closed card says. Whoever decides names it, so that nobody decides on
something else than what they saw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from pydantic import BaseModel

from dashboard import words
from dashboard.frame import Ask
from dashboard.views import alarms, effects, look, person_facts
from dashboard.views.alarms import Level
from dashboard.views.look import Look
from dashboard.views.person_facts import PersonFacts
from matcher.instants import HOUR
from matcher.pairing import explain, risks
from matcher.pairing.fit import Term
from matcher.pairing.matches import Match
from matcher.people.experience import MILLION
from matcher.program import Program

REASONS = 3
PLAIN = "Nothing speaks against it that the program knows of."


class Glance(BaseModel):
    """What a closed card says; sent along with a decision, so that it can be shown beside what is true by then."""

    sentence: str
    reasons: list[str]
    cautions: list[str]


class Card(Glance):
    """A closed card."""

    program: str
    match: str
    version: str
    newcomer: str
    mentor: str
    stage: str
    level: Level
    level_words: str
    fit: float
    waits_since: int | None
    over_hours: int
    """Hours over the limit for pairing somebody; negative while there is time."""

    proposed_at: int
    held_until: int | None

    def glance(self) -> Glance:
        """What the card says, without what it is about."""
        return Glance(sentence=self.sentence, reasons=self.reasons, cautions=self.cautions)


class Bar(BaseModel):
    """A term of the fit: its value in [0, 1], how much it counts, and why."""

    name: str
    title: str
    value: float
    weight: float
    contribution: float
    because: str


class Choice(BaseModel):
    """Another mentor for the same newcomer."""

    mentor: str
    fit: float
    reasons: list[str]
    barred: list[str]
    facts: PersonFacts
    effects: list[str]


def closed(program: Program, match: Match, at: int, level: Level) -> Card:
    """The closed card of a proposal or a hold, with the level of what stands of the newcomer. Cost: a pair's terms."""
    state = program.state
    newcomer = state.members[match.newcomer]
    seen = look.at(program, at)
    terms = seen.terms(match.newcomer, match.mentor)
    since = newcomer.seeks_since
    glance = Glance(
        sentence=f"{match.newcomer} could be paired with {match.mentor}.",
        reasons=strongest(seen, match.newcomer, match.mentor, terms),
        cautions=cautions(program, match, at),
    )
    return Card(
        **glance.model_dump(),
        program=program.id,
        match=match.id,
        version=_version(match, level, glance),
        newcomer=match.newcomer,
        mentor=match.mentor,
        stage=match.stage,
        level=level,
        level_words=alarms.LEVELS[level],
        fit=sum(term.contribution for term in terms) / MILLION,
        waits_since=since,
        over_hours=over_hours(program, since, at),
        proposed_at=match.since,
        held_until=match.held_until or None,
    )


def over_hours(program: Program, since: int | None, at: int) -> int:
    """Whole hours over the limit for pairing somebody who waits since then; negative while there is time."""
    return 0 if since is None else (at - since) // HOUR - program.policy.waiting.overdue_hours


def overdue_since(program: Program, at: int) -> int:
    """Who waits since then, or longer, is an hour and more over that limit."""
    return at - (program.policy.waiting.overdue_hours + 1) * HOUR


def strongest(seen: Look, newcomer: str, mentor: str, terms: Iterable[Term]) -> list[str]:
    """The three reasons that count most, in plain words."""
    ordered = sorted(terms, key=lambda term: -term.contribution)
    said = (because(seen, newcomer, mentor, term) for term in ordered if term.value)
    return [reason for reason in said if "counted as half" not in reason][:REASONS]


def bars(seen: Look, newcomer: str, mentor: str) -> list[Bar]:
    """All terms, those that could count most first."""
    terms = sorted(seen.terms(newcomer, mentor), key=lambda term: -term.weight)
    return [
        Bar(
            name=term.name,
            title=words.TERMS.get(term.name, term.name),
            value=term.value / MILLION,
            weight=term.weight / 1_000,
            contribution=term.contribution / MILLION,
            because=because(seen, newcomer, mentor, term),
        )
        for term in terms
    ]


def because(seen: Look, newcomer: str, mentor: str, term: Term) -> str:
    """Why a term has its value, for coordinators."""
    if term.name == "experience" and (codes := seen.shared(newcomer, mentor)):
        return f"Both know {words.shared(codes)}."
    return words.sentence(term.because.removeprefix("is "))


def cautions(program: Program, match: Match, at: int) -> list[str]:
    """What to mind, the heaviest first by the policy's points."""
    found = risks.of(program.state, match.newcomer, match.mentor, match.fit, at)
    heaviest = sorted(found, key=lambda name: -getattr(program.policy.risk, name))
    said = [words.RISKS[name] for name in heaviest]
    barred = explain.barred(
        look.at(program, at), match.newcomer, match.mentor, "SAFETY", "CONSENT", aside=frozenset({"no_slot"})
    )
    return [*(f"They may not be paired now: {bar}." for bar in words.bars(barred)), *said]


def choices(ask: Ask, program: Program, match: Match, count: int = 2) -> list[Choice]:
    """The next best mentors for the same newcomer, open ones first; the others with what bars them."""
    seen = look.at(program, ask.now)
    near = [near.mentor for near in seen.nearest(match.newcomer).nearest]
    ranked = dict.fromkeys([*seen.open_to(match.newcomer), *near])
    others = [mentor for mentor in ranked if mentor not in (match.mentor, match.newcomer, ask.account.member)]
    return [_choice(ask, program, match, mentor) for mentor in others[:count]]


def _choice(ask: Ask, program: Program, match: Match, mentor: str) -> Choice:
    at = ask.now
    seen = look.at(program, at)
    terms = seen.terms(match.newcomer, mentor)
    barred = [hit.code for hit in seen.hits(match.newcomer, mentor)]
    return Choice(
        mentor=mentor,
        fit=sum(term.contribution for term in terms) / MILLION,
        reasons=strongest(seen, match.newcomer, mentor, terms),
        barred=words.bars(barred),
        facts=person_facts.of(program, program.state.members[mentor], at),
        effects=[] if barred else [ask.veiled(said) for said in effects.of_pairing(program, match, mentor, at)],
    )


def _version(match: Match, level: Level, glance: Glance) -> str:
    said = [match.id, match.stage, match.newcomer, match.mentor, level, glance.reasons, glance.cautions]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
