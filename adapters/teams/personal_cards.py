"""The cards only Teams has: the welcome, a person's own checks, the choice of a channel, deleting everything."""

from collections.abc import Sequence

from adapters.ports import CheckSummary
from adapters.teams import adaptive_cards as e
from adapters.teams.adaptive_cards import Json
from dialogs import presenter
from dialogs.community_flow import FLOW
from dialogs.recommend import recommend
from dialogs.session import Session, Status
from dialogs.translations import Translations, languages, translations
from dialogs.views import Button, HelpCard
from dialogs.walk import walk

_STATES = {Status.POSTED: "posted", Status.KEPT: "kept"}


def buttons(t: Translations, *actions: str) -> tuple[Button, ...]:
    """Return buttons by the ids of their labels, the first one in front."""
    return presenter.buttons(t, *actions, primary=actions[0])


def welcome(t: Translations, by: str | None = None, *, shared: bool = False) -> Json:
    """Return the first thing we say, in every language: Teams tells nobody's until they do something.

    `t`: those that come first. `by`: who installed us, named where others read it.
    """
    how = t("teams.how_shared" if shared else "teams.how_personal")
    others = [translations(language) for language in languages() if language != t.language]
    body = [
        e.heading(t("welcome.title")),
        *([e.literal(t("teams.welcome_by", person=by), isSubtle=True, size="Small")] if by else ()),
        e.text(t("welcome.text")),
        e.text(how, spacing="Small"),
        *(e.box([e.text(other("welcome.title"), weight="Bolder"), e.text(other("welcome.text"))]) for other in others),
        *e.actions(buttons(t, "start", "help", "language"), {}),
    ]
    said = (f"{one('welcome.title')}\n{one('welcome.text')}" for one in others)
    return e.card(body, "\n".join((t("welcome.title"), t("welcome.text"), how, *said)))


def help_card(t: Translations, *notes: str) -> Json:
    """Return what this is, how to use it here, and the ways on. `notes`: what was not understood before."""
    view = presenter.help_card(t)
    view = HelpCard(view.title, (*view.parts, t("teams.commands")))
    ways = buttons(t, "start", "my_checks", "language", "forget_me")
    body = [
        *([e.box([e.literal(line) for line in notes], "accent")] if notes else ()),
        e.heading(view.title),
        *(e.text(part) for part in view.parts),
        *e.actions((ways[0], Button("open_form", t("label.open_form")), *ways[1:]), {}),
    ]
    return e.card(body, "\n".join((*notes, view.title, *view.parts)))


def offers(t: Translations, found: Sequence[Button], note: str) -> Json:
    """Return the nearest readings of what was typed, to be pressed."""
    also = () if len(found) >= e.MAX_ACTIONS else presenter.buttons(t, "help")
    return e.card([e.text(note), *e.actions((*found, *also), {})], note)


def checks(t: Translations, found: Sequence[CheckSummary]) -> Json:
    """Return a person's latest checks, each with its result."""
    if not found:
        none = t("checks.none")
        return e.card([e.text(none), *e.actions(buttons(t, "start", "help", "language"), {})], none)
    lines = [_line(t, check) for check in found]
    shown = [
        [
            e.text(line, weight="Bolder", separator=True),
            e.quiet(_state(t, check), spacing="None"),
        ]
        for line, check in zip(lines, found, strict=True)
    ]
    choices = [(f"{line} ({_state(t, check)})", check.session.id) for line, check in zip(lines, found, strict=True)]
    # Two checks of one day may have come to the same: a choice is known by its value, and the latest stands first.
    which = e.choice_set("check", t("teams.which_check"), choices, style="compact", value=choices[0][1])
    body = [
        e.heading(t("checks.title")),
        *(item for items in shown for item in items),
        {**which, "separator": True, "spacing": "Medium"},
        *e.actions(buttons(t, "see_recommendation", "new_check", "language", "forget_me"), {}),
    ]
    return e.card(body, "\n".join((t("checks.title"), *(f"- {title}" for title, _ in choices))))


def _line(t: Translations, check: CheckSummary) -> str:
    day = check.updated_at.strftime("%d/%m/%Y" if t.language == "fr" else "%Y-%m-%d")
    return t("checks.item", date=day, outcome=outcome(t, check.session))


def _state(t: Translations, check: CheckSummary) -> str:
    return t(f"checks.{_STATES.get(check.session.status, 'in_progress')}")


def outcome(t: Translations, session: Session) -> str:
    """Return what a session came to, in a line."""
    result = recommend(FLOW, walk(FLOW, session.answers))
    if result:
        return t(f"outcome.{result.outcome.id}.title")
    return t("checks.in_progress" if session.status is Status.OPEN else "verdict.title")


def forget(t: Translations, person: str) -> Json:
    """Ask once more before everything is deleted. `person`: whose data; a press by anybody else does nothing."""
    sure = t("forget.confirm")
    ways = presenter.buttons(t, "forget_confirm", "close")
    return e.card([e.text(sure), *e.actions(ways, {"person": person})], sure)


def forgotten(t: Translations, count: int) -> str:
    """Return what was deleted."""
    return t.plural("forget.done", count) if count else t("forget.nothing")


def channels(t: Translations, found: Sequence[tuple[str, str]], session: str, revision: int) -> Json:
    """Ask which channel to post to, and say what will be seen there."""
    ids = {"session": session, "revision": revision}
    back = Button("resume", t("label.back"))
    if not found:
        none = t("teams.no_channel")
        return e.card([e.text(none), *e.actions((back,), ids)], none)
    title, share = t("label.choose_channel"), t("review.share")
    which = e.choice_set("channel", title, found, style="compact", value=found[0][1])
    post = Button("post", t("label.post"), primary=True)
    return e.card([e.heading(title), which, e.quiet(share), *e.actions((post, back), ids)], f"{title}\n{share}")
