"""Presses with the ids of another user's dialogs, and the stored data that they must not change."""

import sqlite3
from itertools import product
from pathlib import Path
from typing import NamedTuple

from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.translations import Translations
from dialogs.walk import walk
from tests.scenarios.scene import SHORT

ACTIONS = (
    "back cancel continue details help keep_private post open_check restart resume review why"
    " close forget_confirm forget_me my_checks new_check open_form refresh run_own start submit"
)
PRESSES = [
    ("answer", "orientation", "seo"),
    ("answer", "brand", "no"),
    ("change", "orientation", ""),
    ("language", "", "en"),
    ("language", "", "xx"),
    ("retry_post", "", "C1"),
    *((action, "", "") for action in ACTIONS.split()),
]
"""Every action of a card, with a question and an option. "quick" is left out: it has no session."""


class ForgedPress(NamedTuple):
    """A press with the ids of another user's dialog."""

    action: str
    question: str
    option: str
    session: str
    revision: int | None

    def __str__(self) -> str:
        return f"{self.action} {self.session[:4]} {self.revision}"


def forged_presses(sessions: list[tuple[str, int]]) -> list[ForgedPress]:
    """Return each press on each session, at its revision, at others and at none; and on sessions that do not exist."""
    targets: list[tuple[str, int | None]] = [
        (id, revision) for id, current in sessions for revision in (current, 0, current + 1, None)
    ]
    targets += [("", 0), ("nosuchsession", 0), ("x" * 64, 999_999_999), ("-", None)]
    return [ForgedPress(*press, *target) for press, target in product(PRESSES, targets)]


def stored_data(database: Path, tenant: str, person: str) -> str:
    """Return all that is stored about a person, except when a card was last shown."""
    own_sessions = "SELECT id FROM sessions WHERE tenant = ? AND owner = ?"
    queries = (
        "SELECT id, conversation, status, state, card, post FROM sessions WHERE tenant = ? AND owner = ? ORDER BY id",
        f"SELECT key, kind, state, payload FROM outbox WHERE session_id IN ({own_sessions}) AND kind != 'show'"
        " ORDER BY key",
        "SELECT language FROM person_settings WHERE tenant = ? AND person = ?",
    )
    with sqlite3.connect(database) as connection:
        return repr([connection.execute(query, (tenant, person)).fetchall() for query in queries])


def outcome_text(t: Translations) -> str:
    """Return the outcome of the answers `SHORT`, which only the owner of the dialog may read."""
    recommendation = recommend(FLOW, walk(FLOW, SHORT))
    assert recommendation
    return t(f"outcome.{recommendation.outcome.id}.title")
