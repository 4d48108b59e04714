"""Every page and every action of the dashboard, gathered from its views: what is not named here has no address."""

from __future__ import annotations

from dashboard import deciding
from dashboard.frame import Action, Page
from dashboard.views import accounts, audit, low_risk, review, today

PAGES: tuple[Page, ...] = (today.PAGE, review.PAGE, low_risk.PAGE, *accounts.PAGES, audit.PAGE)
ACTIONS: tuple[Action, ...] = (*deciding.ACTIONS, *accounts.ACTIONS)
