"""Every page and every action of the dashboard, gathered from its views: what is not named here has no address."""

from __future__ import annotations

from dashboard import deciding, entering, recording
from dashboard.frame import Action, Page
from dashboard.views import (
    accounts,
    alerts,
    audit,
    bring,
    contact,
    enter,
    graph,
    health,
    insights,
    low_risk,
    mentors,
    on_call,
    people,
    person,
    policy,
    record,
    recruit,
    review,
    start,
    today,
    waiting,
)

PAGES: tuple[Page, ...] = (
    today.PAGE,
    review.PAGE,
    low_risk.PAGE,
    people.PAGE,
    person.PAGE,
    contact.PAGE,
    waiting.PAGE,
    mentors.PAGE,
    alerts.PAGE,
    record.PAGE,
    enter.PAGE,
    *bring.PAGES,
    start.PAGE,
    on_call.PAGE,
    *graph.PAGES,
    insights.PAGE,
    insights.DOWNLOAD,
    policy.PAGE,
    health.PAGE,
    recruit.PAGE,
    recruit.PUBLIC,
    *accounts.PAGES,
    audit.PAGE,
)
ACTIONS: tuple[Action, ...] = (
    *deciding.ACTIONS,
    *mentors.ACTIONS,
    *alerts.ACTIONS,
    *recording.ACTIONS,
    *contact.ACTIONS,
    entering.ENTERED,
    *bring.ACTIONS,
    *start.ACTIONS,
    *on_call.ACTIONS,
    *accounts.ACTIONS,
)
