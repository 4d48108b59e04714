"""Codes in plain words: what somebody who is tired, and is no clinician, understands at once.

The words say the same as the codes, shorter; the exact title of ICD-10-CM stays one look away (``exact``). Ids stay
ids: nothing here makes a name of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, get_args

from matcher.instants import DAY, HOUR, format_instant
from matcher.messages.vocabulary import Theme
from matcher.people.experience import DUAL, family, is_substance, taxonomy
from matcher.people.member import Member

SUBSTANCES: Final = {
    "F10": "alcohol",
    "F11": "opioids",
    "F12": "cannabis",
    "F13": "sedatives",
    "F14": "cocaine",
    "F15": "stimulants",
    "F16": "hallucinogens",
    "F17": "nicotine",
    "F18": "inhalants",
    "F19": "other substances",
    "F10-F19": "substance use",
}
OTHERS: Final = {
    "F20": "schizophrenia",
    "F25": "schizoaffective disorder",
    "F31": "bipolar disorder",
    "F32": "depression",
    "F33": "depression that comes back",
    "F34": "long-lasting low mood",
    "F40": "phobia",
    "F41": "anxiety",
    "F41.0": "panic attacks",
    "F42": "obsessions and compulsions",
    "F43": "stress after hard events",
    "F43.1": "post-traumatic stress",
    "F43.2": "trouble adjusting",
    "F50": "an eating disorder",
    "F60": "a personality disorder",
    "F60.3": "borderline personality",
    "F63.0": "gambling",
    "F64": "gender identity",
    "F84": "autism",
    "F90": "attention deficit",
    "F20-F29": "psychosis",
    "F30-F39": "a mood disorder",
    "F40-F48": "anxiety or stress",
    "F50-F59": "eating, sleep or the body",
    "F60-F69": "personality",
    "F90-F98": "attention or behaviour since childhood",
    "Z55": "schooling",
    "Z56": "work",
    "Z56.0": "unemployment",
    "Z59": "housing or money",
    "Z59.0": "homelessness",
    "Z59.3": "life in an institution",
    "Z60": "being alone or left out",
    "Z62": "a hard childhood",
    "Z63": "family trouble",
    "Z63.0": "trouble with a partner",
    "Z63.4": "bereavement",
    "Z63.5": "separation or divorce",
    "Z65": "trouble with the law or a hard life",
    "Z65.1": "prison",
    "Z65.2": "release from prison",
    "Z65.3": "trouble with the law",
    "Z91.5": "self-harm in the past",
    "Z91.82": "military deployment",
    "Z55-Z65": "hard circumstances of life",
    "Z77-Z99": "a history of health",
    DUAL: "dual recovery",
}
_BY_CODE: Final = SUBSTANCES | OTHERS
STATES: Final = {"active": "active now", "early": "early remission", "sustained": "sustained remission", "past": "past"}
NOW_OR_PAST: Final = {"active": "now", "early": "lately", "sustained": "in the past", "past": "in the past"}

THEMES: Final = {"legal": "the law", "loneliness": "being alone", "faith": "faith or meaning", "money": "money"}
GENDERS: Final = {"woman": "a woman", "man": "a man", "nonbinary": "a nonbinary person", "other": "another gender"}
FORMATS: Final = {"phone": "phone", "video": "video", "chat": "chat", "text": "text", "in_person": "in person"}
STAGES: Final = {"proposed": "proposed", "held": "on hold", "active": "paired"}
STANDINGS: Final = {
    "waiting": "waits for a mentor",
    "proposed": "a mentor is proposed",
    "held": "a proposal is on hold",
    "active": "has a mentor",
    "paused": "on a pause",
    "free": "seeks nobody",
    "left": "has left",
}
PAUSES: Final = {"treatment": "in treatment", "hospital": "in hospital", "custody": "in custody", "away": "away"}
LANGUAGES: Final = {
    "en": "English", "es": "Spanish", "fr": "French", "de": "German", "pt": "Portuguese", "zh": "Chinese",
    "ar": "Arabic", "ru": "Russian", "vi": "Vietnamese", "ko": "Korean", "tl": "Tagalog", "ht": "Haitian Creole",
    "hi": "Hindi", "pl": "Polish", "it": "Italian", "ja": "Japanese", "so": "Somali", "ase": "American Sign Language",
}  # fmt: skip
"""Of languages not listed the tag itself is shown."""

TERMS: Final = {
    "experience": "Lived experience",
    "distance": "Further on the way",
    "strategies": "Ways for the needs",
    "hours": "Hours in common",
    "language": "Language",
    "format": "Way of talking",
    "place": "Place",
    "spread": "Free for somebody",
}

RISKS: Final = {
    "first_time_mentor": "It would be this mentor's first newcomer.",
    "age_unknown": "A year of birth is not known: ask before you pair them.",
    "gender_not_asked": "Nobody asked the newcomer about the mentor's gender: ask first.",
    "waiver": "The mentor is eligible by a waiver.",
    "recent_slip": "One of the two had a setback lately.",
    "distress": "The newcomer is in distress: a person first.",
    "low_fit": "They have less in common than most pairs.",
}
"""What to mind, by risk; said to the coordinator who decides."""

REJECTIONS: Final = {
    "not_a_fit": "They would not suit each other",
    "know_each_other": "They know each other",
    "newcomer_asked": "The newcomer asked for somebody else",
    "mentor_asked": "The mentor asked for somebody else",
    "not_now": "Not the right moment",
    "safety_concern": "I am worried about safety",
    "other": "Another reason",
}
"""The reason codes of a rejection."""

RECALLS: Final = {
    "mistake": "It was a mistake",
    "newcomer_asked": "The newcomer asked for it",
    "mentor_asked": "The mentor asked for it",
    "safety_concern": "I am worried about safety",
    "other": "Another reason",
}
CLOSINGS: Final = {
    "completed": "It reached its aim",
    "no_contact": "They lost touch",
    "newcomer_asked": "The newcomer wished it",
    "mentor_asked": "The mentor wished it",
    "moved": "One of the two moved away",
    "safety_concern": "I am worried about safety",
    "other": "Another reason",
}
LEAVINGS: Final = {
    "moved": "Moved away",
    "completed": "Needs the program no more",
    "wished": "Wished to leave",
    "no_contact": "Cannot be reached",
    "died": "Died",
    "other": "Another reason",
}

OUTCOMES: Final = {
    "safe": "Spoke with them; they are safe",
    "help_found": "Brought them to help",
    "false_alarm": "It was nothing",
    "other": "Something else",
}
"""How an alert ended. That somebody could not be reached ends none: it stays in the hands of who tries again."""

CALLS: Final = {
    "reached": "We spoke",
    "message_left": "Left a message",
    "not_reached": "Could not reach them",
}
SCOPES: Final = {
    "matching": "being matched with a mentor",
    "clinician": "a clinician seeing their record",
    "share_progress": "their progress being shared with the mentor",
}
PURPOSES: Final = {
    "treatment": "treatment",
    "aftercare": "aftercare",
    "assessment": "an assessment",
    "crisis": "help in a crisis",
}
"""What a clinician needs a record for."""
TELLERS: Final = {"self": "they did", "mentor": "a mentor", "coordinator": "one of us", "clinician": "a clinician"}
REPORT_ENDS: Final = {
    "upheld": "It was so: no new pairs ever again",
    "unfounded": "It was not so",
    "withdrawn": "It was withdrawn",
    "settled": "It was settled between them",
}
WAIVERS: Final = {"steady": "Steady, by all that we know", "known_well": "We know them well", "other": "Another reason"}
PULSE_WISHES: Final = {"continue": "go on", "change": "have somebody else", "end": "end it"}
THEMES_ALL: Final[tuple[str, ...]] = get_args(Theme)
SUBSTANCE_CODES: Final = {f"{code}.20": said for code, said in SUBSTANCES.items() if "-" not in code and code != "F17"}

NOT_FREE: Final = "not free for a new pair now"
BARS: Final = {
    "exclusion": "must not be paired",
    "lineage": "the newcomer supports this mentor",
    "open_report": NOT_FREE,  # a report is for leads alone, who see it on its own page
    "not_admitted": "not cleared yet",
    "recovery_time": "not long enough in recovery",
    "training_lapsed": "training not on record",
    "supervision_lapsed": "supervision too long ago",
    "paused": NOT_FREE,  # with its end, where it has one: a pause that had a word of its own would tell of reports
    "in_distress": NOT_FREE,
    "same_risk": "both at risk in the same thing",
    "minor": "not of age",
    "no_slot": "no open slot",
    "gender_wish": "wish on gender",
    "no_common_language": "no language in common",
    "no_common_format": "no way of talking in common",
    "consent_missing": "no consent on record",
    "declined": "not wished again",
    "low_fit": "too little in common",
    "no_common_hours": "too few hours in common",
    "too_far": "too far apart",
    "same_person": "the same person",
    "not_started": "the program has not started pairing",
}
"""Blockers in three words, for lists; the sentences are the matcher's."""


@lru_cache(maxsize=4_096)
def experience(code: str) -> str:
    """What a code is about: ``alcohol``, ``post-traumatic stress``, ``homelessness``."""
    for end in (code, code[:6], code[:5], family(code)):
        if end in _BY_CODE:
            return _BY_CODE[end]
    return _title(code)


def chapter(code: str) -> str:
    """What a code is about, as wide as it can be said: ``substance use``, ``anxiety or stress``."""
    wide = "mental health" if code.startswith("F") else "health and care"
    return _BY_CODE.get(taxonomy().block(code), wide)


def lived(code: str, state: str) -> str:
    """A code with its state: ``alcohol, sustained remission``; circumstances are now or in the past."""
    said = NOW_OR_PAST if code.startswith("Z") else STATES
    return f"{experience(code)}, {said.get(state, state)}"


def exact(code: str) -> str:
    """The code and its title in ICD-10-CM, for who wants to know exactly."""
    return taxonomy().describe(code) if code == DUAL else f"{code} {taxonomy().describe(code)}"


def experiences(member: Member, at: int) -> list[str]:
    """Everything that somebody has lived through, in the stage it has come to; substances first."""
    codes = dict.fromkeys(stated.code for stated in member.profile.experiences)
    told = {stated.code: stated.state for stated in member.profile.experiences}
    ordered = sorted(codes, key=lambda code: (not is_substance(code), code.startswith("Z"), code))
    return list(dict.fromkeys(lived_by(member, code, told[code], at) for code in ordered))


def lived_by(member: Member, code: str, told: str, at: int) -> str:
    """A code with the state that it has come to since it was ``told``."""
    return lived(code, told if code.startswith("Z") else member.recovery.stage(code, at) or told)


def shared(codes: Sequence[str]) -> str:
    """What two people share, the rarest first, each thing once: ``cocaine, opioids and homelessness``."""
    return listed(list(dict.fromkeys(experience(code) for code in codes)))


def theme(word: str) -> str:
    """A need or a strategy."""
    return THEMES.get(word, word)


def language(tag: str) -> str:
    """A language by its own name in English."""
    return LANGUAGES.get(tag, tag)


def gender(word: str | None) -> str:
    """A gender as it was said."""
    return "gender not said" if word is None else GENDERS.get(word, word)


def bar(code: str) -> str:
    """A blocker in a few words."""
    return BARS.get(code, code.replace("_", " "))


def bars(codes: Iterable[str]) -> list[str]:
    """Blockers in a few words, each once: how many pauses there are would tell of reports."""
    return list(dict.fromkeys(map(bar, codes)))


def reason(code: str) -> str:
    """A reason code in words; codes of other systems are shown as they are."""
    for known in (REJECTIONS, RECALLS, CLOSINGS, LEAVINGS, CALLS, REPORT_ENDS, WAIVERS, OUTCOMES):
        if code in known:
            return known[code]
    return _REASONS.get(code, code.replace("_", " "))


_REASONS: Final = {
    "plan_changed": "Somebody else suited better",
    "reassigned": "Somebody else was chosen",
    "excluded": "The two must not be paired",
    "no_longer_sought": "No mentor is sought any more",
    "declined": "One of the two said no",
    "recalled": "Taken back",
    "ended": "Ended",
    "left": "One of the two left",
    "mentor_withdrew": "The mentor stopped mentoring",
    "rejected": "Rejected",
}


def within(text: str) -> str:
    """Words of their own as they stand within a sentence: ``I`` stays as it is."""
    return text if text.startswith("I ") else text[:1].lower() + text[1:]


MILESTONES: Final = {
    "step": "a step of their program",
    "program": "the end of a program",
    "work": "work",
    "housing": "a place to live",
}


def purpose(code: str | None) -> str:
    """What a consent is for; codes of other systems are shown as they are."""
    return "" if code is None else PURPOSES.get(code, code.replace("_", " "))


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as one reads them: ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def many(count: int, thing: str, things: str | None = None) -> str:
    """A number of things: ``1 day``, ``1,200 days``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {things or thing + 's'}"


def in_recovery(days: int) -> str:
    """What a milestone of so many days is called: ``90 days``, ``19 years``."""
    years, rest = divmod(days, 365)
    return many(days, "day") if rest or not years else many(years, "year")


def lasting(seconds: int) -> str:
    """A length of time, roughly: ``40 minutes``, ``5 hours``, ``3 days``, ``2 years``."""
    for size, unit in ((365 * DAY, "year"), (60 * DAY, "month"), (DAY, "day"), (HOUR, "hour"), (60, "minute")):
        if seconds >= size:
            return many(seconds // (30 * DAY if unit == "month" else size), unit)
    return "less than a minute"


def clock(at: int, now: int) -> str:
    """When something is due: ``14:00 UTC, in 5 hours`` on the same day, ``on 3 March, 14:00 UTC`` on another."""
    day, time = format_instant(at).split("T")
    if at // DAY == now // DAY:
        return f"{time[:5]} UTC, in {lasting(at - now)}"
    return f"on {int(day[8:])} {_MONTHS[int(day[5:7]) - 1]}, {time[:5]} UTC"


def sentence(text: str) -> str:
    """With a full stop at its end and, where it does not begin with an id, a capital at its beginning."""
    text = text.strip()
    first = text.partition(" ")[0].rstrip(":,")
    begin = text[:1] if set(first) & _OF_IDS else text[:1].upper()
    return f"{begin}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""


def hours_of_week(hours: Iterable[int]) -> str:
    """Hours of the week by day: ``Mon 18-20, Thu 9-10``."""
    spans: list[list[int]] = []
    for hour in sorted(hours):
        if spans and spans[-1][1] == hour and hour % 24:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return ", ".join(f"{_DAYS[start // 24]} {start % 24}-{(end - 1) % 24 + 1}" for start, end in spans)


def _title(code: str) -> str:
    """The title of ICD-10-CM without what only clinicians need."""
    title = taxonomy().describe(code)
    for tail in (", uncomplicated", ", unspecified"):
        title = title.removesuffix(tail)
    return within(title)


_OF_IDS: Final = frozenset("0123456789-_.:")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

OTHER_CODES: Final = {
    code: experience(code)
    for code in (
        "F32.9", "F33.9", "F31.9", "F41.9", "F41.0", "F43.10", "F42.9", "F50.9", "F60.3", "F90.9", "F20.9", "F25.9",
        "F84.0", "F63.0", "Z59.00", "Z56.0", "Z59.3", "Z65.1", "Z65.2", "Z65.3", "Z63.4", "Z63.5", "Z91.82",
    )
}  # fmt: skip
"""What can be chosen from a list beside the substances; any other code can be typed."""
