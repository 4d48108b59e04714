"""What coordinators decide about pairs, as forms that become events: review, approve together, recall, close."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import Connection

from dashboard import claims, words
from dashboard.claims import Claim
from dashboard.frame import COORDINATORS, Action, Ask, Conflict, Decided, FormErrors, NotFound
from dashboard.tell import event
from dashboard.views import look, low_risk, queue, review, today
from matcher.ids import OpaqueId
from matcher.messages.vocabulary import Reason
from matcher.pairing import explain
from matcher.pairing.matches import Match
from matcher.pairing.review import PLAN_IS_OVERRULED
from matcher.program import Program

Version = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Decision = Literal["approve", "hold", "reject", "reassign"]
NAMES_ANOTHER: Final = "reassign"  # a claim keeps no mentor, so of two of them nobody knows whether they are the same
ALREADY_SENT: Final = "already sent"


class Form(BaseModel):
    """Base of the forms: closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reviewed(Form):
    """A decision on a proposal. It names newcomer, mentor and version: on anything else than these nothing happens."""

    decision: Decision
    newcomer: OpaqueId
    mentor: OpaqueId
    version: Version
    reason: Reason | None = Field(None, description="Of a rejection.")
    other: OpaqueId | None = Field(None, description="The mentor of a reassignment.")
    seen: str = Field("", max_length=4_000, description="What the card said, to be shown beside what is true by then.")

    @model_validator(mode="after")
    def _whole(self) -> Reviewed:
        if self.decision == "reject" and self.reason is None:
            raise ValueError("A rejection needs a reason: choose one")
        if self.decision == "reassign" and self.other is None:
            raise ValueError("Choose the other mentor")
        return self


def reviewed(ask: Ask, form: Reviewed) -> Decided:
    """Decide on a proposal. Raises Conflict when it is another than the one seen, or decided by somebody else."""
    program, match_id = ask.program(ask.path["program"]), ask.path["match"]
    match = _match(ask, program, match_id)
    stands = _stands(ask, program, match_id, match, form)
    if form.decision == "reassign" and form.other is not None:
        _may_be_paired(ask, program, form.newcomer, form.other)
    sent, undo = _claimed(ask, program, {match_id: form.version}, form.decision)
    if sent:
        return Decided((), "/today", f"{sent[match_id]}.", about=match_id, what=ALREADY_SENT, program=program.id)
    told = event(
        ask, program, "match.reviewed", stands.id,
        decision=form.decision, by=ask.account.id, reason=form.reason, mentor=form.other,
    )  # fmt: skip
    return Decided([told], "/today", _done(program, form), about=match_id, program=program.id, undo=undo)


class Claimed(NamedTuple):
    """What of one's claims was new, and what was not."""

    sent: dict[str, str]
    """By match, what is to be said of those of which the same decision is on its way."""

    undo: Callable[[Connection], None]
    """Gives back what was new."""


def _claimed(ask: Ask, program: Program, versions: Mapping[str, str], decision: str) -> Claimed:
    """Claim these proposals. Raises Conflict where somebody was first, or one decided otherwise oneself."""
    new, sent = list[tuple[str, str, str, str]](), dict[str, str]()
    for match, version in versions.items():
        claim = program.id, match, version, ask.account.id
        first = claims.take(ask.db, *claim, decision, ask.now)
        if first is None:
            new.append(claim)
            continue
        pair = program.state.matches.members_of(match) or ()
        sent[match] = f"{' and '.join(pair)}: {_was_first(ask, first)}"
        if (first.account, first.decision) != (ask.account.id, decision) or decision == NAMES_ANOTHER:
            raise Conflict(sent[match])

    def undo(db: Connection) -> None:
        for claim in new:
            claims.drop(db, *claim, ask.now)

    return Claimed(sent, undo)


def _match(ask: Ask, program: Program, match_id: str) -> Match | None:
    """The open match of this id. Raises NotFound when there never was one, or it is about the account's own person."""
    pair = program.state.matches.members_of(match_id)
    if pair is None or any(map(ask.is_own, pair)):
        raise NotFound
    return program.state.matches.open.get(match_id)


def _stands(ask: Ask, program: Program, match_id: str, match: Match | None, form: Reviewed) -> Match:
    """The proposal, exactly as it was seen. Raises Conflict."""
    if match is not None and match.stage != "active":
        now = queue.card(ask, program, match)
        if (now.newcomer, now.mentor, now.version) == (form.newcomer, form.mentor, form.version):
            return match
    last = claims.newest(ask.db, program.id, match_id)
    if last is not None and (match is None or match.stage != "proposed"):
        raise Conflict(_was_first(ask, last))
    raise Conflict("this proposal has changed since you opened it, and nothing was decided: see what it was and is")


def _may_be_paired(ask: Ask, program: Program, newcomer: str, mentor: str) -> None:
    """Refuse a mentor whom the rules bar; a quality rule or an earlier no is the coordinator's to overrule."""
    seen = look.at(program, ask.now)
    if ask.is_own(mentor) or seen.index(mentor) is None:
        raise FormErrors(other="There is no such mentor in this program.")
    barred = explain.barred(seen, newcomer, mentor, "SAFETY", "CONSENT", aside=PLAN_IS_OVERRULED)
    if barred:
        raise FormErrors(other=f"They may not be paired: {words.listed(words.bars(barred))}.")


def _was_first(ask: Ask, claim: Claim) -> str:
    who = "you" if claim.account == ask.account.id else claim.name
    done = _PAST.get(claim.decision, "decided on")
    return f"{who} already {done} it, {words.lasting(max(0, ask.now - claim.at))} ago, so nothing was changed now"


_PAST = {"approve": "approved", "hold": "put a hold on", "reject": "rejected", "reassign": "gave somebody else to"}


def _done(program: Program, form: Reviewed) -> str:
    pair = f"{form.newcomer} and {form.mentor}"
    match form.decision:
        case "approve":
            return f"{pair} are paired.{_recallable(program)}"
        case "hold":
            return f"{pair} are on hold for {words.many(program.policy.review.hold_hours, 'hour')}."
        case "reject":
            return f"{pair} will not be proposed to each other again."
    return f"{form.newcomer} and {form.other} are paired.{_recallable(program)}"


def _recallable(program: Program) -> str:
    hours = program.policy.review.recall_hours
    return f" You can take it back for {words.many(hours, 'hour')}." if hours else ""


class Together(Form):
    """Pairs of low risk, approved together: each as ``match:version``, as the list showed it."""

    pairs: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:\-]{1,64}@[0-9a-f]{16}$")]] = Field(
        min_length=1, max_length=low_risk.PAIRS_MAX
    )


def approved_together(ask: Ask, form: Together) -> Decided:
    """Approve exactly the pairs that were listed and ticked. Raises Conflict when one is not what it was."""
    program = ask.program(ask.path["program"])
    listed = {f"{each.match}@{each.version}": each for each in low_risk.pairs(ask, program)}
    if any(pair not in listed for pair in form.pairs):
        raise Conflict("a pair of the list has changed since you opened it, and nothing was decided: look at it again")
    chosen = [listed[pair] for pair in dict.fromkeys(form.pairs)]
    sent, undo = _claimed(ask, program, {one.match: one.version for one in chosen}, "approve")
    told = [
        event(ask, program, "match.reviewed", one.match, decision="approve", by=ask.account.id)
        for one in chosen
        if one.match not in sent
    ]
    done = f"{words.many(len(told), 'pair')} approved." if told else ""
    again = f"{words.many(len(sent), 'pair')} approved before, not again." if sent else ""
    what = None if told else ALREADY_SENT
    return Decided(told, "/today", f"{done} {again}".strip(), what=what, program=program.id, whole=True, undo=undo)


class Reasoned(Form):
    """Why something is taken back or ended."""

    reason: Reason


def recalled(ask: Ask, form: Reasoned) -> Decided:
    """Take a pair back within its window; the two are not put together again."""
    program, match_id = ask.program(ask.path["program"]), ask.path["match"]
    match = _match(ask, program, match_id)
    if match is None or not today.can_recall(program, match, ask.now):
        raise Conflict(
            "this pair can no longer be taken back: it is over, or the time for it has passed; end it instead"
        )
    told = event(ask, program, "match.recalled", match_id, by=ask.account.id, reason=form.reason)
    done = f"{match.newcomer} and {match.mentor} are no longer paired. {today.told(match)}"
    return Decided([told], "/today", done, about=match_id, program=program.id)


REVIEWED = Action("/review/{program}/{match}/decide", COORDINATORS, Reviewed, reviewed, review.PAGE.path, "reviewed")
TOGETHER = Action("/low-risk/{program}", COORDINATORS, Together, approved_together, low_risk.PAGE.path, "reviewed")
RECALLED = Action("/review/{program}/{match}/recall", COORDINATORS, Reasoned, recalled, review.PAGE.path, "recalled")

ACTIONS = (REVIEWED, TOGETHER, RECALLED)
