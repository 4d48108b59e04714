"""What people have lived through, as ICD-10-CM codes, and how much of it two of them share.

Codes are those of chapter F (substances and mental disorders) and chapter Z (circumstances such as homelessness). A
code stands for a node of the hierarchy, and brings all its ancestors with it: whoever lives with PTSD (F43.1) lives
with a stress disorder (F43). A code that says no more than its parent ("unspecified", "in remission") stands for its
parent's node. The sorted nodes of a person are the person's *closure*.

Every node has an information content (IC), -ln of the share of people in treatment who have it, in integer millionths
of a nat. Similarity is SimGIC (Pesquita et al. 2008, BMC Bioinformatics 9 Suppl 5:S4): the IC of the shared nodes over
the IC of all nodes of the two, so that a rare shared experience counts more than a common one. It is counted in
integers with floor division: every machine, and the vector and the scalar path, agree bit for bit.

Somebody with a substance and a mental disorder recovers from both at once, which is an experience of its own: the node
``DUAL``. Two such people share more than two who share two substances or two disorders.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, cached_property, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from matcher import errors
from matcher.errors import Refused

Closure: TypeAlias = tuple[int, ...]
"""The nodes of one person, ancestors included, sorted. Nodes are small integers of one ``Taxonomy``, never stored."""

DUAL = "DUAL"
"""The node of dual recovery. It is no ICD-10-CM code: nobody declares it, it follows from the others."""

MILLION = 1_000_000

UNKNOWN_CODE = errors.code(
    "KND-unknown-code",
    "An experience is not a code of chapter F or Z of ICD-10-CM. Write it in upper case with its dot, as in F11.20, "
    "or give the nearest code above it.",
)


def family(code: str) -> str:
    """The three-character category of a code: ``F11`` for ``F11.20``. Risk is shared within one."""
    return code[:3]


@lru_cache(maxsize=4_096)
def is_substance(code: str) -> bool:
    """Whether the code is a substance that people recover from: F10-F19 without nicotine.

    Five in six people in addiction treatment smoke (Guydish et al. 2016). Were F17 counted, hardly anybody would be in
    recovery, everybody would be dual, and most pairs would be at risk in the same thing.
    """
    return code.startswith("F1") and family(code) != "F17"


@lru_cache(maxsize=4_096)
def is_disorder(code: str) -> bool:
    """Whether the code is a mental disorder: chapter F without its substances F10-F19."""
    return code.startswith("F") and not code.startswith("F1")


def is_circumstance(code: str) -> bool:
    """Whether the code is a circumstance of life: chapter Z."""
    return code.startswith("Z")


class _Node(NamedTuple):
    code: str
    lineage: Closure
    """The node and its ancestors."""
    information: int
    above: int | None


class Taxonomy:
    """The hierarchy of experiences, read once by ``taxonomy()``. Immutable."""

    def __init__(self, table: str) -> None:
        self._node_of: dict[str, int] = {}
        self._words: dict[str, str] = {}
        self._nodes: list[_Node] = []
        for line in table.splitlines():
            if not line.startswith(("#", "code\t")):
                self._add(*line.split("\t"))
        if sum(node.information for node in self._nodes) * MILLION >= 2**63:
            raise ValueError("the information contents are too large to compare people in 64 bits")

    def _add(self, code: str, parent: str, information: str, words: str) -> None:
        self._words[code] = words
        if information == "=":
            self._node_of[code] = self._node_of[parent]
            return
        node = self._node_of[code] = len(self._nodes)
        above = self._nodes[self._node_of[parent]].lineage if parent else ()
        self._nodes.append(_Node(code, (*above, node), int(information), above[-1] if above else None))

    @cached_property
    def ic(self) -> npt.NDArray[np.int64]:
        """Information content by node, in millionths of a nat; read-only."""
        ic = np.array([node.information for node in self._nodes], dtype=np.int64)
        ic.flags.writeable = False
        return ic

    def can_be_had(self, code: str) -> bool:
        """Whether a person can have this code: a category or below."""
        return code in self._node_of and "-" not in code and code != DUAL

    def check(self, code: str, where: str = "an experience") -> None:
        """Raise ``Refused`` (KND-unknown-code) unless ``code`` is one that a person can have: a category or below.

        The reason says ``where`` the code stood and what is wrong with it, never the code: it may be a diagnosis.
        """
        if not self.can_be_had(code):
            raise Refused(UNKNOWN_CODE, f"{where} {self._why_unknown(code)}")

    def _why_unknown(self, code: str) -> str:
        if code in self._node_of:
            return "is a group of codes: name a code of it, such as F11.20"
        plain = code.upper().replace(".", "")
        dotted = f"{plain[:3]}.{plain[3:]}".rstrip(".")
        if dotted in self._node_of:
            return "is not written as in ICD-10-CM: write it in upper case with its dot, as in F11.20"
        if any(dotted[:end] in self._node_of for end in range(3, len(dotted))):
            return "is not in ICD-10-CM, but a code above it is: name that"
        return "is not a code of chapter F or Z of ICD-10-CM: write one such as F11.20 or Z59.0"

    def describe(self, code: str) -> str:
        """The code in plain words, as ICD-10-CM has them: "Opioid dependence, uncomplicated"."""
        if code not in self._words:
            self.check(code)
        return self._words[code]

    def block(self, code: str) -> str:
        """The widest group that a known code belongs to: ``F40-F48`` for ``F43.1``; ``DUAL`` is its own."""
        return self._nodes[self._nodes[self._node_of[code]].lineage[0]].code

    def closure(self, codes: Iterable[str]) -> Closure:
        """The nodes of a person with these codes, ancestors and dual recovery included.

        Raises ``Refused`` (KND-unknown-code) on the first code that is none. Costs about a microsecond a code.
        """
        codes = tuple(codes)
        nodes: set[int] = set()
        for code in codes:
            self.check(code)
            nodes.update(self._nodes[self._node_of[code]].lineage)
        if any(map(is_substance, codes)) and any(map(is_disorder, codes)):
            nodes.add(self._node_of[DUAL])
        return tuple(sorted(nodes))

    def information(self, nodes: Iterable[int]) -> int:
        """The summed information content of ``nodes``, in millionths of a nat."""
        return sum([self._nodes[node].information for node in nodes])

    def similarity(self, a: Closure, b: Closure) -> int:
        """SimGIC of two people in millionths: 1,000,000 for the same experiences, 0 for nothing in common."""
        shared = self.information(set(a).intersection(b))
        union = self.information(a) + self.information(b) - shared
        return shared * MILLION // union if union else 0

    def shared(self, a: Closure, b: Closure) -> tuple[str, ...]:
        """The codes that tell best what two people share, the rarest first; none is an ancestor of another.

        What they share only in general comes as a category or a block (``F40-F48``), dual recovery last as ``DUAL``;
        all have words in ``describe``. Equally rare ones come in the order of ICD-10-CM.
        """
        dual = self._node_of[DUAL]
        ranked = sorted(
            self._in_particular(set(a).intersection(b)),
            key=lambda node: (node == dual, -self._nodes[node].information, node),
        )
        return tuple(self._nodes[node].code for node in ranked)

    def in_common(self, a: Closure, b: Closure) -> tuple[int, int]:
        """How many codes ``shared`` has, and the information content of the rarest thing that the two share."""
        nodes = set(a).intersection(b)
        return len(self._in_particular(nodes)), max([self._nodes[node].information for node in nodes], default=0)

    def _in_particular(self, nodes: set[int]) -> set[int]:
        """Those of the nodes that are above none of them; with a node, the nodes above it are there as well."""
        return nodes.difference([self._nodes[node].above for node in nodes])


@cache
def taxonomy() -> Taxonomy:
    """The experiences that this version knows, read from the package at the first call (some 5 ms) and kept."""
    from importlib.resources import files

    return Taxonomy(files("matcher").joinpath("data", "icd10cm.tsv").read_text(encoding="utf-8"))
