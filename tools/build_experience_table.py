"""Build ``matcher/data/icd10cm.tsv``: the codes of chapters F and Z of ICD-10-CM with their information content.

Run as ``python -m tools.build_experience_table`` after a new release of ICD-10-CM or a change of ``prevalence.tsv``.

The share of people who have a code is its line in ``prevalence.tsv`` or, without one, its parent's share divided by the
number of the parent's children: at most the parent's either way, so that a special experience never tells less than the
general one it belongs to. Information content is -ln(share) in millionths of a nat, rounded from a decimal logarithm of
40 digits, and thus the same on every machine.

Some codes say no more than their parent. "Uncomplicated" and "unspecified" add nothing. "In remission" tells the state
of an experience, which members declare apart: a mentor in remission has been through what the newcomer is in. "Abuse"
of a substance is the milder form that DSM-5 no longer sets apart. Such a code has ``=`` for its information content:
it is the same experience as its parent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path

import simple_icd_10_cm as icd

DATA = Path(__file__).parent.parent / "matcher" / "data"
CHAPTERS = {"5": "F", "21": "Z"}
RELEASE = "ICD-10-CM, release of April 2026, chapters F and Z (CDC/NCHS, public domain), by simple-icd-10-cm 1.5.0"
HEADER = f"""\
# {RELEASE}; shares of people from prevalence.tsv.
# Made by tools/build_experience_table.py. ic: information content, millionths of a nat; "=": same experience as parent.
code\tparent\tic\tdescription
"""
DUAL = ("DUAL", "", "dual recovery, from a substance and from a mental disorder")

_SAYS_NO_MORE = re.compile(r"uncomplicated$|unspecified( type)?$|remission")
_SUBSTANCE_ABUSE = re.compile(r"F1\d\.1")
_EXACT = Context(prec=40)


def read_shares(lines: list[str]) -> dict[str, Fraction]:
    """Code → share of people in treatment, from the lines of ``prevalence.tsv``."""
    rows = (line.split("\t") for line in lines if not line.startswith(("#", "code\t")))
    return {code: Fraction(int(per_million), 1_000_000) for code, per_million, _basis, _source in rows}


def says_no_more(code: str, description: str) -> bool:
    """Whether ``code`` is the same experience as its parent. A category or block always speaks for itself."""
    if "." not in code:
        return False
    return bool(_SUBSTANCE_ABUSE.fullmatch(code) or _SAYS_NO_MORE.search(description))


def information(share: Fraction) -> int:
    """-ln(share) in millionths of a nat."""
    quotient = _EXACT.divide(Decimal(share.numerator), Decimal(share.denominator))
    return int((-quotient.ln(_EXACT) * 1_000_000).to_integral_value())


def descendants(parent: str) -> Iterator[tuple[str, str, int]]:
    """(code, parent, how many children of the parent speak for themselves), parents first, in ICD-10-CM's order."""
    children = icd.get_children(parent, prioritize_blocks=True)
    if children == [parent]:  # a block with one category (F99, Z16) has that category's code: one experience, one row
        children = icd.get_children(parent)
    telling = sum(not says_no_more(child, icd.get_description(child)) for child in children)
    for child in children:
        yield child, parent, telling
        yield from descendants(child)


def rows(shares: dict[str, Fraction]) -> Iterator[str]:
    """The lines of the table; ``shares`` is filled with the share of every code on the way."""
    unused = set(shares)
    yield "\t".join((DUAL[0], DUAL[1], str(information(shares[DUAL[0]])), DUAL[2]))
    unused.discard(DUAL[0])
    for chapter in CHAPTERS:
        shares[chapter] = Fraction(1)
        for code, parent, siblings in descendants(chapter):
            unused.discard(code)
            yield _row(code, parent, siblings, shares)
    if unused:
        raise ValueError(f"prevalence.tsv has codes that ICD-10-CM does not know: {sorted(unused)}")


def _row(code: str, parent: str, siblings: int, shares: dict[str, Fraction]) -> str:
    description = icd.get_description(code, prioritize_blocks=True)
    same = says_no_more(code, description)
    share = shares.setdefault(code, shares[parent] if same else shares[parent] / siblings)
    if share > shares[parent]:
        raise ValueError(f"{code} is given a greater share of people than {parent}, to which it belongs")
    words = re.sub(r" \([A-Z]\d\d(-[A-Z]\d\d)?\)$", "", description)
    return "\t".join((code, "" if parent in CHAPTERS else parent, "=" if same else str(information(share)), words))


def table() -> str:
    """The whole text of ``icd10cm.tsv``."""
    shares = read_shares((DATA / "prevalence.tsv").read_text(encoding="utf-8").splitlines())
    return HEADER + "\n".join(rows(shares)) + "\n"


if __name__ == "__main__":
    (DATA / "icd10cm.tsv").write_text(table(), encoding="utf-8")
