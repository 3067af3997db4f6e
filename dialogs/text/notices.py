"""Notices that answer typed text, and what the card above it says from then on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dialogs import presenter
from dialogs.flow import Flow
from dialogs.sentences import join_or
from dialogs.session import RUNNING, Page, Session, Status
from dialogs.translations import Translations, languages, translations
from dialogs.views import Button, Notice, PartialResultCard, QuestionCard, RecommendationCard


def small_talk(t: Translations, name: str, *actions: str) -> Notice:
    """Return the one line that answers small talk, with buttons. `name`: one of `lexicon.SMALL_TALK_ORDER`."""
    return Notice(name, t(f"small_talk.{name}"), presenter.buttons(t, *actions, primary=actions[0]))


def which_language(t: Translations) -> Notice:
    """Return the languages there are, each with its own name on a button."""
    buttons = (Button("language", translations(code)("language.own"), option=code) for code in languages())
    return presenter.notice(t, "which_language", tuple(buttons))


def nothing_to_post(t: Translations) -> Notice:
    """Return that there is no recommendation to post or to see in detail."""
    return presenter.notice(t, "nothing_to_post", presenter.buttons(t, "start", "my_checks", primary="start"))


def did_you_mean(flow: Flow, session: Session, candidates: Iterable[Button]) -> Notice:
    """Return what ambiguous text may mean, below the current question."""
    t = translations(session.language)
    return below_question(flow, session, presenter.notice(t, "did_you_mean", tuple(candidates)))


def not_understood(flow: Flow, session: Session) -> Notice:
    """Return the current question with its answers; help if there is no question."""
    t = translations(session.language)
    view = presenter.current(flow, session)
    if isinstance(view, QuestionCard):
        labels = [t("list.quoted", item=choice.label) for choice in view.choices]
        notice = presenter.notice(t, "not_understood", view.choices, choices=join_or(t, labels))
        return below_question(flow, session, notice)
    buttons = () if isinstance(view, RecommendationCard) else presenter.buttons(t, "help")
    return presenter.notice(t, "nothing_understood", buttons)


def too_early(flow: Flow, session: Session, name: str) -> Notice | None:
    """Return why there is nothing to ``post``, or no ``details`` to show, with the current question.

    None if the card of the session has what was asked for.
    """
    t = translations(session.language)
    view = presenter.current(flow, session)
    if isinstance(view, QuestionCard):
        notice = presenter.notice(t, f"{name}_too_early", view.choices)
        return Notice(notice.id, f"{notice.text}\n{view.text}", notice.buttons)
    if name == "post" and session.status is Status.QUICK:
        return presenter.notice(t, "post_by_button", presenter.buttons(t, "post", "continue"))
    return None


def below_question(flow: Flow, session: Session, notice: Notice) -> Notice:
    """Return the notice with the current question above it, if there is one."""
    view = presenter.current(flow, session) if session.status in RUNNING else None
    return (
        Notice(notice.id, f"{view.text}\n{notice.text}", notice.buttons) if isinstance(view, QuestionCard) else notice
    )


@dataclass(frozen=True, slots=True)
class PassedCard:
    """What a card says after typed text continued the dialog below it. `question`: None unless it was answered."""

    question: str | None
    answers: tuple[str, ...]
    below: str


def passed_card(flow: Flow, before: Session, after: Session) -> PassedCard:
    """Return the card that showed `before`: the question and what was answered, or one line that names the card."""
    t = translations(after.language)
    view = presenter.current(flow, before if before.page is Page.REVIEW else replace(before, page=None))
    answers = tuple(
        t("passed.answer", question=t(f"question.{id}.short"), answer=presenter.option_label(t, id, option))
        for id, option in after.answers.items()
        if before.answers.get(id) != option
    )
    question = view.question if isinstance(view, QuestionCard) else None
    if answers:
        return PassedCard(t(f"question.{question}.text") if question else None, answers, t("passed.below"))
    if question:
        name = t(f"question.{question}.short")
    else:
        name = view.title if isinstance(view, RecommendationCard | PartialResultCard) else t("review.title")
    return PassedCard(None, (), t("passed.below_named", name=name))
