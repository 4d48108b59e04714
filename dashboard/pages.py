"""Every page and every action of the dashboard, gathered from its views: what is not named here has no address."""

from __future__ import annotations

from dashboard.frame import Action, Page
from dashboard.views import accounts, audit

PAGES: tuple[Page, ...] = (*accounts.PAGES, audit.PAGE)
ACTIONS: tuple[Action, ...] = (*accounts.ACTIONS,)
