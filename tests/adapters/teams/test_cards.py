"""Every card on every path, in both languages, is one that Teams takes, the store lets through and a phone shows."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.playground.teams.rules import MAX_BYTES, check_card
from adapters.playground.teams.rules import walk as nodes
from adapters.ports import CheckSummary
from adapters.teams import cards, personal_cards
from adapters.teams.task_modules import _step
from bot.storage.clock import local_clock
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.session import Session, Status
from dialogs.translations import languages, translations
from dialogs.views import Announcement, Notice
from dialogs.walk import walk

NOTES = ("Réponse modifiée : ceci.", "Sans effet avec cette réponse : cela.")


def paths(answers: dict[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Every state of answers on the way, each path's end included."""
    answers = answers or {}
    yield answers
    here = walk(FLOW, answers).next_question
    for option in here.options if here else ():
        yield from paths({**answers, here.id: option})  # type: ignore[union-attr]


def session(language: str, answers: dict[str, str], status: Status = Status.OPEN) -> Session:
    return Session("s" * 24, "teams:" + "t" * 36, "29:" + "p" * 64, language, FLOW.version, answers, 99, status=status)


def drawn(language: str, answers: dict[str, str]) -> Iterator[dict]:
    """Every card there is at one point of a path."""
    at = session(language, answers)
    found = walk(FLOW, answers)
    for shared in (False, True):
        yield cards.draw(presenter.current(FLOW, at), at, shared=shared)
    if found.next_question:
        yield cards.draw(presenter.prompt(FLOW, at, found, with_help=True), at)
        quick = replace(at, status=Status.QUICK)
        yield cards.for_all(presenter.current(FLOW, quick), quick, shared=True)
        return
    for status in (Status.KEPT, Status.POSTED):
        done = replace(at, status=status)
        yield cards.with_note(cards.draw(presenter.current(FLOW, done), done), *NOTES)
        yield cards.for_all(presenter.current(FLOW, done), done, shared=True)
    for short in (False, True):
        yield cards.announcement(presenter.announcement(FLOW, at, found), "Zoë <b>*x*</b> " * 4, short=short)
    changing = replace(at, changing="orientation")
    yield cards.draw(presenter.current(FLOW, changing), changing)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("part", range(4))
def test_every_path(language: str, part: int) -> None:
    every = list(paths())
    longest = 0
    for number, answers in enumerate(every[part::4]):
        # The rules take ten times as long as the drawing: all of them for some, the size of every one.
        for card in drawn(language, answers) if number % 40 == 0 else [next(drawn(language, answers))]:
            longest = max(longest, len(json.dumps(card, ensure_ascii=False).encode()))
            if number % 8 == 0:
                assert check_card(card) == []
    assert longest < MAX_BYTES * 0.75, "room for longer words"


@pytest.mark.parametrize("language", languages())
def test_the_longest_and_the_shortest(language: str) -> None:
    ends = [answers for answers in paths() if walk(FLOW, answers).next_question is None]
    by_size = sorted(ends, key=lambda answers: len(json.dumps(next(drawn(language, answers)))))
    for answers in (*by_size[:5], *by_size[-5:]):
        for card in drawn(language, answers):
            assert check_card(card) == []


@pytest.mark.parametrize("language", languages())
def test_our_own_cards(language: str) -> None:
    t = translations(language)
    found = [CheckSummary(session(language, {}, status), local_clock()(), None) for status in Status]
    found = [replace(check, session=replace(check.session, id=str(n))) for n, check in enumerate(found)]
    many = [(f"Team *{n}* › Channel", f"19:{n}@thread.tacv2 19:x@thread.tacv2") for n in range(60)]
    for card in (
        personal_cards.welcome(t),
        personal_cards.welcome(t, "Anna *R*", shared=True),
        personal_cards.help_card(t),
        personal_cards.help_card(t, "« *x* » ?"),
        personal_cards.checks(t, found),
        personal_cards.checks(t, []),
        personal_cards.forget(t, "29:x"),
        personal_cards.channels(t, many, "s", 3),
        personal_cards.channels(t, [], "s", 3),
        cards.moved(language),
        *(cards.draw(Notice("x", t(id))) for id in t.ids() if id.startswith(("notice.", "teams.held."))),
        *(_step(t, answers, "t")["task"]["value"]["card"]["content"] for answers in list(paths())[::37]),
    ):
        assert check_card(card) == []


@pytest.mark.parametrize("language", languages())
def test_buttons_are_called_as_the_catalogue_says(language: str) -> None:
    t = translations(language)
    known = {t(id) for id in t.ids() if id.startswith(("label.", "option."))}
    for answers in list(paths())[::211]:
        for card in drawn(language, answers):
            titles = {node["title"] for node in nodes(card) if str(node.get("type")).startswith("Action.")}
            assert titles <= known


def test_four_options_leave_room_for_back_and_why() -> None:
    at = session("fr", {"orientation": "key", "brand": "no", "transformation": "no", "presence": "no"})
    view = presenter.current(FLOW, at)
    titles = [n["title"] for n in nodes(cards.draw(view, at)) if n.get("type") == "Action.Execute"]
    assert titles[4:] == [translations("fr")("label.back"), translations("fr")("label.why")]


def test_no_names_are_read_as_markdown() -> None:
    at = session("fr", {}, Status.QUICK)
    view = presenter.announcement(FLOW, at, walk(FLOW, {}))
    card = cards.announcement(view, "*Bold* [x](https://evil.example)")
    blocks = [node for node in nodes(card) if node.get("type") == "TextBlock"]
    assert not any("*" in node["text"] for node in blocks)
    assert isinstance(view, Announcement)
    assert "<" not in cards.announcement(view, "<s>")["speak"]
