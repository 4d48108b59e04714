"""Every page and every action of the dashboard, gathered from its views: what is not named here has no address."""

from __future__ import annotations

from dashboard.frame import Action, Page

PAGES: tuple[Page, ...] = ()
ACTIONS: tuple[Action, ...] = ()
