"""Every page and every action of the dashboard, gathered from its views: what is not named here has no address."""

from __future__ import annotations

from dashboard import deciding
from dashboard.frame import Action, Page
from dashboard.views import accounts, audit, low_risk, people, person, recruit, review, today, waiting

PAGES: tuple[Page, ...] = (
    today.PAGE,
    review.PAGE,
    low_risk.PAGE,
    people.PAGE,
    person.PAGE,
    waiting.PAGE,
    recruit.PAGE,
    recruit.PUBLIC,
    *accounts.PAGES,
    audit.PAGE,
)
ACTIONS: tuple[Action, ...] = (*deciding.ACTIONS, *accounts.ACTIONS)
