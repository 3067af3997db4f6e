"""Every card on every path, in both languages, keeps the rules of Teams, of its store and of phones."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pytest

from adapters.playground.teams.rules import MAX_BYTES, check_card
from adapters.playground.teams.rules import walk as nodes
from adapters.ports import CheckSummary
from adapters.teams import cards
from adapters.teams.adaptive_cards import MAX_ACTIONS
from adapters.teams.channels import ChannelList, choose_channel
from adapters.teams.conversation import ConversationRef
from adapters.teams.task_modules import Place, form_page
from bot.storage.clock import local_clock
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.effects import Notify, Show
from dialogs.events import Details
from dialogs.recommend import recommend
from dialogs.reducer import step
from dialogs.session import Actor, Page, Session, Status
from dialogs.text.notices import PassedCard
from dialogs.translations import languages, translations
from dialogs.views import CURRENT_SIGN, SIGNS, Announcement, Notice, View
from dialogs.walk import walk
from tests.scenarios.scene import SHORT

CHANNEL = ConversationRef("https://smba.trafficmanager.net/emea/", "19:c@thread.tacv2", "channel", "t")
UNSURE = {
    **{"orientation": "unknown", "brand": "unknown", "transformation": "unknown", "presence": "unknown"},
    **{"seo_expert": "unknown", "light_mode": "undecided"},
}
NOTES = ("Réponse modifiée : ceci.", "Sans effet avec cette réponse : cela.")


def paths(answers: dict[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Return the answers after each question of each path."""
    answers = answers or {}
    yield answers
    question = walk(FLOW, answers).next_question
    for option in question.options if question else ():
        yield from paths({**answers, question.id: option})  # type: ignore[union-attr]


def make_session(language: str, answers: dict[str, str], status: Status = Status.OPEN) -> Session:
    return Session("s" * 24, "teams:" + "t" * 36, "29:" + "p" * 64, language, FLOW.version, answers, 99, status=status)


def details(session: Session, language: str) -> View:
    """Return the details of the recommendation, as its owner sees them."""
    _, effects = step(FLOW, session, Details(Actor(session.tenant, session.owner, language)))
    return next(effect.view for effect in effects if isinstance(effect, Show | Notify))


def render_all(language: str, answers: dict[str, str]) -> Iterator[dict]:
    """Return every card of a session with these answers."""
    session = make_session(language, answers)
    result = walk(FLOW, answers)
    for ref in (None, CHANNEL):
        yield cards.render(presenter.current(FLOW, session), session, ref)
    if result.next_question:
        yield cards.render(presenter.prompt(FLOW, session, result, with_help=True), session)
        quick = replace(session, status=Status.QUICK)
        yield cards.render_public(presenter.current(FLOW, quick), quick, CHANNEL)
        return
    yield cards.render(presenter.review(FLOW, session, result), session, CHANNEL)
    yield cards.render(details(session, language), session, CHANNEL)
    for status in (Status.KEPT, Status.POSTED):
        done = replace(session, status=status)
        yield cards.render(details(done, language), done)
        yield cards.with_notes(cards.render(presenter.current(FLOW, done), done), *NOTES)
        yield cards.render_public(presenter.current(FLOW, done), done, CHANNEL)
    for short in (False, True):
        yield cards.announcement(presenter.announcement(FLOW, session, result), "Zoë <b>*x*</b> " * 4, short=short)
    changing = replace(session, changing="orientation")
    yield cards.render(presenter.current(FLOW, changing), changing)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("part", range(4))
def test_every_path(language: str, part: int) -> None:
    longest = 0
    for number, answers in enumerate(list(paths())[part::4]):
        # Checking the rules takes ten times as long as rendering: check the size of all cards, the rules of some.
        for card in render_all(language, answers) if number % 40 == 0 else [next(render_all(language, answers))]:
            longest = max(longest, len(json.dumps(card, ensure_ascii=False).encode()))
            if number % 8 == 0:
                assert check_card(card) == []
    assert longest < MAX_BYTES * 0.75, "leaves room for longer texts"


@pytest.mark.parametrize("language", languages())
def test_longest_and_shortest_recommendations(language: str) -> None:
    ends = [answers for answers in paths() if walk(FLOW, answers).next_question is None]
    by_size = sorted(ends, key=lambda answers: len(json.dumps(next(render_all(language, answers)))))
    for answers in (*by_size[:5], *by_size[-5:]):
        for card in render_all(language, answers):
            assert check_card(card) == []


@pytest.mark.parametrize("language", languages())
def test_cards_that_are_not_about_one_dialog(language: str) -> None:
    t = translations(language)
    summaries = [CheckSummary(make_session(language, {}, status), local_clock(), None) for status in Status]
    summaries = [replace(check, session=replace(check.session, id=str(n))) for n, check in enumerate(summaries)]
    many = [
        (f"Équipe *{n}* › {'é' * 200}", f"19:{n}{'a' * 40}@thread.tacv2 19:{'b' * 40}@thread.tacv2") for n in range(200)
    ]
    for card in (
        cards.welcome(t),
        cards.welcome(t, "Anna *R*", shared=True),
        cards.help_card(t),
        cards.help_card(t, "« *x* » ?"),
        cards.short_help(t, "« *x* » ?"),
        cards.checks(t, summaries),
        cards.checks(t, []),
        cards.confirm_forget(t, "29:x"),
        *(
            choose_channel(t, ChannelList(many, complete), "s" * 24, 3, page, note=t("teams.choose_one"))
            for page in (-1, 0, 1, 2, 9)
            for complete in (True, False)
        ),
        *(choose_channel(t, ChannelList([], complete), "s", 3) for complete in (True, False)),
        cards.passed(PassedCard("q", ("a", "b"), t("passed.below"))),
        *(cards.render(Notice("x", t(id))) for id in t.ids() if id.startswith(("notice.", "teams.held."))),
        *(page for answers in list(paths())[::37] for page in form_pages(language, answers)),
    ):
        assert check_card(card) == []


def form_pages(language: str, answers: dict[str, str]) -> Iterator[dict]:
    """Return all pages of the form that can be shown with these answers."""
    for page in range(1, 5):
        t = translations(language)
        for place in get_args(Place):
            yield form_page(t, answers, "t", page, place)["task"]["value"]["card"]["content"]
        helped = form_page(t, answers, "t", page, with_help=True, check=True)
        yield helped["task"]["value"]["card"]["content"]


def test_the_form_counts_its_pages() -> None:
    key = {"orientation": "key", "brand": "no", "transformation": "no", "presence": "no"}
    light = key | {"orientation": "seo"}
    ends = {"mode": "agency", "person": "lasting", "routine": "no", "agency_link": "no"}
    for answers, page, expected in (
        ({}, 1, ("teams.form_page", 1, 4)),
        (key, 1, ("teams.form_page", 1, 4)),
        (key, 2, ("teams.form_page", 2, 4)),
        (light, 2, ("teams.form_page", 2, 3)),
        (key | ends | {"mode": "in_house"}, 3, ("teams.form_last_page", 3, 3)),
        (key | ends, 3, ("teams.form_page", 3, 4)),
        (key | ends, 4, ("teams.form_last_page", 4, 4)),
    ):
        t = translations("en")
        card = form_page(t, answers, "t", page)["task"]["value"]["card"]["content"]
        assert card["body"][0]["text"] == t(expected[0], page=expected[1], most=expected[2]), (answers, page)


@pytest.mark.parametrize("language", languages())
def test_button_titles_come_from_the_catalogue(language: str) -> None:
    t = translations(language)
    known = {t(id) for id in t.ids() if id.startswith(("label.", "option."))}
    known |= {f"{sign} {text}" for sign in (CURRENT_SIGN, *SIGNS.values()) for text in known}
    for answers in list(paths())[::211]:
        for card in render_all(language, answers):
            titles = {node["title"] for node in nodes(card) if str(node.get("type")).startswith("Action.")}
            assert titles <= known


@pytest.mark.parametrize("language", languages())
def test_the_recommendation_comes_first(language: str) -> None:
    t = translations(language)
    session = make_session(language, UNSURE)
    title, headline, because, provisional, *_ = cards.render(presenter.current(FLOW, session), session)["body"]
    assert title["text"] == t("recommendation.title")
    outcome = t(f"outcome.{recommend(FLOW, walk(FLOW, UNSURE)).outcome.id}.title")  # type: ignore[union-attr]
    assert outcome in headline["text"]
    assert headline["size"] == "Large"
    assert because["text"].startswith(t("because.sentence", clauses="").rstrip(". "))
    assert (provisional["text"], provisional["color"]) == (t("recommendation.provisional"), "Warning")
    details_card = cards.render(details(session, language), session)
    post = cards.announcement(presenter.announcement(FLOW, session, walk(FLOW, UNSURE)), "Zoë")
    for card in (details_card, post):
        assert outcome in card["body"][1]["text"]
        assert provisional["text"] in [node.get("text") for node in nodes(card)]


def test_details_mark_the_recommended_outcome_in_the_language_of_the_reader() -> None:
    session = make_session("fr", SHORT | {"mode": "agency", "agency_link": "no"}, Status.POSTED)
    t = translations("en")
    card = cards.render(details(session, "en"), language="en")
    recommended = t("details.recommended", outcome=t("outcome.hybrid.title"))
    texts = [node["text"] for node in nodes(card) if node.get("type") == "TextBlock"]
    assert [text for text in texts if text.endswith(t("details.recommended", outcome=""))] == [recommended]
    assert {"+ ", "− "} <= {node["text"] for node in nodes(card) if node.get("type") == "TextRun"}
    assert not any(text.startswith(("+", "-")) for text in texts), "Markdown would make a list of it"


def test_who_sees_the_answers() -> None:
    t = translations("fr")
    for status, answers, expected in (
        (Status.OPEN, SHORT, ["teams.share", "review.share"]),
        (Status.KEPT, SHORT, ["review.share"]),
        (Status.POSTED, SHORT, []),
        (Status.QUICK, {"brand": "yes"}, ["teams.share", "partial.share_note"]),
    ):
        session = make_session("fr", answers, status)
        texts = json.dumps(cards.render(presenter.current(FLOW, session), session, CHANNEL)["body"], ensure_ascii=False)
        shown = [id for id in ("teams.share", "review.share", "partial.share_note") if t(id) in texts]
        assert shown == expected
    kept = make_session("fr", SHORT, Status.KEPT)
    for view in (presenter.current(FLOW, kept), details(kept, "fr")):
        public = json.dumps(cards.render_public(view, kept, CHANNEL), ensure_ascii=False)
        assert t("teams.kept") in public
        assert t("outcome.in_house.title") not in public


def actions(card: dict) -> list[str]:
    return [node["data"]["action"] for node in nodes(card) if node.get("type") == "Action.Execute"]


@pytest.mark.parametrize(
    ("answers", "navigation"),
    [
        ({}, ["why", "cancel"]),
        ({"orientation": "key"}, ["back", "why", "more"]),
        ({"orientation": "key", "brand": "no", "transformation": "no", "presence": "no"}, ["back", "more"]),
    ],
)
def test_what_has_no_room_is_behind_more(answers: dict[str, str], navigation: list[str]) -> None:
    session = make_session("fr", answers)
    shown = actions(cards.render(presenter.current(FLOW, session), session))
    assert [action for action in shown if action != "answer"] == navigation
    assert len(shown) <= MAX_ACTIONS


@pytest.mark.parametrize("language", languages())
def test_no_button_is_left_out_silently(language: str) -> None:
    """Every button of every card of a dialog is on it in Teams, or on the one behind *More*."""
    more = {"why", "restart", "cancel"}
    for answers in list(paths())[::37]:
        session = make_session(language, answers)
        done = [replace(session, status=status) for status in (Status.KEPT, Status.POSTED)]
        states = [session, replace(session, page=Page.REVIEW), replace(session, page=Page.RESTART)]
        states += [replace(session, page=Page.MORE), replace(session, status=Status.QUICK)]
        states += done if walk(FLOW, answers).next_question is None else []
        states += [replace(session, changing=question) for question in answers]
        for state in states:
            view = presenter.current(FLOW, state)
            card = cards.render(view, state)
            shown = set(actions(card))
            assert check_card(card) == []
            assert {button.action for button in view.buttons} <= shown | (more if "more" in shown else set())


def test_the_present_answer_is_marked_when_it_is_changed() -> None:
    session = replace(make_session("fr", {"orientation": "key"}), changing="orientation")
    card = cards.render(presenter.current(FLOW, session), session)
    titles = [node["title"] for node in nodes(card) if node.get("type") == "Action.Execute"]
    label = translations("fr")("option.orientation.key")
    assert [title for title in titles if "✓" in title] == [f"✓ {label}"]


def test_the_answers_of_a_kept_check_are_for_its_owner_alone() -> None:
    session = replace(make_session("fr", SHORT, Status.KEPT), page=Page.REVIEW)
    view = presenter.current(FLOW, session)
    assert "Image de marque" in json.dumps(cards.render(view, session, CHANNEL), ensure_ascii=False)
    assert "Image de marque" not in json.dumps(cards.render_public(view, session, CHANNEL), ensure_ascii=False)


def test_names_are_not_read_as_markdown() -> None:
    session = make_session("fr", {}, Status.QUICK)
    view = presenter.announcement(FLOW, session, walk(FLOW, {}))
    card = cards.announcement(view, "*Bold* [x](https://evil.example)")
    blocks = [node for node in nodes(card) if node.get("type") == "TextBlock"]
    assert not any("*" in node["text"] for node in blocks)
    assert isinstance(view, Announcement)
    assert "<" not in cards.announcement(view, "<s>")["speak"]
