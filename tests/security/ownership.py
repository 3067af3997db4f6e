"""What every button can say, and what of a person's there is that nobody else may touch."""

import sqlite3
from itertools import product
from pathlib import Path
from typing import NamedTuple

PRESSES = [
    ("answer", "orientation", "seo"),
    ("answer", "brand", "no"),
    ("back", "", ""),
    ("cancel", "", ""),
    ("change", "orientation", ""),
    ("continue", "", ""),
    ("details", "", ""),
    ("help", "", ""),
    ("keep_private", "", ""),
    ("language", "", "en"),
    ("language", "", "xx"),
    ("post", "", ""),
    ("restart", "", ""),
    ("resume", "", ""),
    ("retry_post", "", "C1"),
    ("review", "", ""),
    ("see_recommendation", "", ""),
    ("why", "", ""),
    ("close", "", ""),
    ("forget_confirm", "", ""),
    ("forget_me", "", ""),
    ("my_checks", "", ""),
    ("new_check", "", ""),
    ("open_form", "", ""),
    ("refresh", "", ""),
    ("run_own", "", ""),
    ("start", "", ""),
    ("submit", "", ""),
]
"""Each action a card can carry, with a question and an option; but "quick", which carries no session."""


class Forged(NamedTuple):
    """A press with somebody else's ids in it."""

    action: str
    question: str
    option: str
    session: str
    revision: int | None

    def __str__(self) -> str:
        return f"{self.action} {self.session[:4]} {self.revision}"


def forged(sessions: list[tuple[str, int]]) -> list[Forged]:
    """Return each press on each session, at its own revision, others and none; and on sessions that never were."""
    aims: list[tuple[str, int | None]] = [(id, at) for id, now in sessions for at in (now, 0, now + 1, None)]
    aims += [("", 0), ("nosuchsession", 0), ("x" * 64, 999_999_999), ("-", None)]
    return [Forged(*press, *aim) for press, aim in product(PRESSES, aims)]


def belongings(database: Path, tenant: str, person: str) -> str:
    """Return all that is stored about a person, but when a card was last drawn."""
    with sqlite3.connect(database) as connection:
        mine = "SELECT id FROM sessions WHERE tenant = ? AND owner = ?"
        queries = (
            "SELECT id, conversation, status, state, card, post FROM sessions WHERE tenant = ? AND"
            " owner = ? ORDER BY id",
            f"SELECT key, kind, state, payload FROM outbox WHERE session_id IN ({mine}) AND kind !="
            f" 'show' ORDER BY key",
            "SELECT language FROM person_settings WHERE tenant = ? AND person = ?",
        )
        return repr([connection.execute(query, (tenant, person)).fetchall() for query in queries])
