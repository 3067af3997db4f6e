"""The lines of *my checks*."""

from datetime import UTC, datetime

from adapters.ports import CheckSummary
from adapters.shared.replies import check_lines
from dialogs.session import Publication, Session, Status
from dialogs.translations import translations

POST, CARD = {"channel": "C1"}, {"channel": "D1"}


def status_of(session: Session) -> str:
    """Return the status of the only check, in a post in C1 or on a card that its owner alone sees."""
    check = CheckSummary(session, datetime(2026, 11, 28, tzinfo=UTC), POST if session.publication else None, CARD)
    (line,) = check_lines(translations("en"), [check], lambda ref: "#marketing" if ref == POST else None)
    return line.status


def test_the_status_says_who_sees_a_check() -> None:
    answers = {"brand": "yes"}
    publication = Publication("k", "C1", answers, 2)
    for status, published, expected in (
        (Status.OPEN, None, "In progress, in private"),
        (Status.KEPT, None, "Kept private"),
        (Status.POSTED, publication, "Posted in #marketing"),
        (Status.OPEN, publication, "Posted in #marketing, being changed"),
    ):
        session = Session("s1", "t", "p", "en", 2, answers, status=status, publication=published)
        assert status_of(session) == expected
