"""From a model to HTML: the templates, what every page has around it, and how times and files are named."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboard import words
from dashboard.frame import COORDINATORS, LEADS, Account, Page, Place
from dashboard.views.standing import Urgent

STATIC: Final = files("dashboard") / "static"
HTMX: Final = "htmx.min.js"
"""As pages name it; taken from the package that carries it, when that is installed."""

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


@dataclass(frozen=True)
class Link:
    """One place to go to."""

    path: str
    title: str
    here: bool = False


@dataclass(frozen=True)
class Frame:
    """What stands around a page's own content."""

    title: str
    form_token: str
    now: int
    account: Account | None = None
    bar: Sequence[Link] = ()
    more: Sequence[Link] = ()
    urgent: Urgent | None = None
    """How many things cannot wait; None where nobody counted: then nothing is said of it."""

    gaps: Sequence[str] = ()
    """Why nobody would be called if something could not wait."""

    urgent_path: str = "/alerts"
    programs: Sequence[str] = ()
    program: str | None = None
    notice: str | None = None
    ends_in: int | None = None
    """Seconds until the session ends if nothing more is asked for."""

    path: str = "/"
    scripts: Sequence[str] = field(default_factory=lambda: scripts())

    @property
    def listens(self) -> bool:
        """Whether the page is told of what is new."""
        return self.account is not None and self.account.holds(COORDINATORS)

    @property
    def opens_alerts(self) -> bool:
        """Whether the account may look at what cannot wait; for others it stays a count."""
        return self.account is not None and self.account.holds(COORDINATORS)

    @property
    def keeps_rota(self) -> bool:
        """Whether the account may say who is on call."""
        return self.account is not None and self.account.holds(LEADS)

    @property
    def in_more(self) -> bool:
        """Whether the page that is open is one of those under More."""
        return any(link.here for link in self.more)


def html(template: str, frame: Frame, **values: Any) -> str:
    """The page as HTML."""
    return environment().get_template(template).render(frame=frame, **values)


def links(pages: Sequence[Page], account: Account, place: Place, here: str) -> list[Link]:
    """The pages of one place in the navigation that this account may open."""
    mine = [page for page in pages if account.holds(page.roles) and _place(page, account) == place]
    mine.sort(key=lambda page: page.order)
    return [Link(page.path, page.title, page.path == here) for page in mine]


def _place(page: Page, account: Account) -> Place:
    return "more" if page.nav == "bar" and account.holds(page.aside) else page.nav


@cache
def environment() -> Environment:
    """The templates. Everything is escaped; a name that is not there is an error, not an empty place."""
    made = Environment(
        loader=PackageLoader("dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["ago"] = ago
    made.filters["exact"] = exact
    made.filters["when"] = when
    made.filters["iso"] = iso
    made.globals["static"] = static
    made.globals["words"] = words
    return made


def exact(at: int) -> str:
    """An instant for people: 2026-03-02 09:14 UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso(at: int) -> str:
    """An instant for programs."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(at: int, now: int) -> str:
    """How far away an instant is: "3 hours ago", "in 2 days", "just now"."""
    seconds = abs(now - at)
    for size, unit in _UNITS:
        if seconds >= size:
            many = seconds // size
            words = f"{many} {unit}{'' if many == 1 else 's'}"
            return f"{words} ago" if at <= now else f"in {words}"
    return "just now"


def when(at: int, now: int) -> Markup:
    """An instant relative to now, exact when pointed at and for programs."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso(at), exact(at), ago(at, now))


def static(name: str) -> str:
    """The address of a static file, which changes with its content."""
    return f"/static/{name}?v={_digest(name)}"


def read_static(name: str) -> bytes | None:
    """A static file; None when there is no such file."""
    return _static_files().get(name)


@lru_cache(maxsize=64)
def read_packed(name: str) -> bytes:
    """A static file that is there, compressed."""
    return gzip.compress(_static_files()[name], mtime=0)


def scripts() -> list[str]:
    """The scripts that are there: pages work without any."""
    return [name for name in (HTMX, "kindred.js") if name in _static_files()]


@cache
def _static_files() -> dict[str, bytes]:
    found = {entry.name: entry.read_bytes() for entry in STATIC.iterdir() if entry.is_file()}
    with suppress(ModuleNotFoundError, FileNotFoundError):
        found[HTMX] = (files("django_htmx") / "static" / "django_htmx" / "htmx-2.min.js").read_bytes()
    return found


@lru_cache(maxsize=64)
def _digest(name: str) -> str:
    return hashlib.sha256(_static_files()[name]).hexdigest()[:12]
