"""The cards only Teams has: the welcome, a person's own checks, the choice of a channel, deleting everything."""

from collections.abc import Sequence

from adapters.ports import Check
from adapters.teams import elements as e
from adapters.teams.elements import Json
from dialogs import compose
from dialogs.community import FLOW
from dialogs.recommend import recommend
from dialogs.session import Session, Status
from dialogs.views import Button, HelpCard
from dialogs.walk import walk
from dialogs.words import Words, languages, words

_STATES = {Status.POSTED: "posted", Status.KEPT: "kept"}


def buttons(text: Words, *actions: str) -> tuple[Button, ...]:
    """Return buttons by the ids of their labels, the first one in front."""
    return compose.buttons(text, *actions, primary=actions[0])


def welcome(text: Words, by: str | None = None, *, shared: bool = False) -> Json:
    """Return the first thing we say, in every language: Teams tells nobody's until they do something.

    `text`: those that come first. `by`: who installed us, named where others read it.
    """
    how = text.text("teams.how_shared" if shared else "teams.how_personal")
    others = [words(language) for language in languages() if language != text.language]
    body = [
        e.heading(text.text("welcome.title")),
        *([e.said(text.text("teams.welcome_by", person=by), isSubtle=True, size="Small")] if by else ()),
        e.text(text.text("welcome.text")),
        e.text(how, spacing="Small"),
        *(
            e.box([e.text(other.text("welcome.title"), weight="Bolder"), e.text(other.text("welcome.text"))])
            for other in others
        ),
        *e.actions(buttons(text, "start", "help", "language"), {}),
    ]
    said = (f"{one.text('welcome.title')}\n{one.text('welcome.text')}" for one in others)
    return e.card(body, "\n".join((text.text("welcome.title"), text.text("welcome.text"), how, *said)))


def help_card(text: Words, *notes: str) -> Json:
    """Return what this is, how to use it here, and the ways on. `notes`: what was not understood before."""
    view = compose.help_card(text)
    view = HelpCard(view.title, (*view.parts, text.text("teams.commands")))
    ways = buttons(text, "start", "my_checks", "language", "forget_me")
    body = [
        *([e.box([e.said(line) for line in notes], "accent")] if notes else ()),
        e.heading(view.title),
        *(e.text(part) for part in view.parts),
        *e.actions((ways[0], Button("open_form", text.text("label.open_form")), *ways[1:]), {}),
    ]
    return e.card(body, "\n".join((*notes, view.title, *view.parts)))


def offers(text: Words, found: Sequence[Button], note: str) -> Json:
    """Return the nearest readings of what was typed, to be pressed."""
    also = () if len(found) >= e.MOST_ACTIONS else compose.buttons(text, "help")
    return e.card([e.text(note), *e.actions((*found, *also), {})], note)


def checks(text: Words, found: Sequence[Check]) -> Json:
    """Return a person's latest checks, each with its result."""
    if not found:
        none = text.text("checks.none")
        return e.card([e.text(none), *e.actions(buttons(text, "start", "help", "language"), {})], none)
    lines = [_line(text, check) for check in found]
    shown = [
        [
            e.text(line, weight="Bolder", separator=True),
            e.quiet(_state(text, check), spacing="None"),
        ]
        for line, check in zip(lines, found, strict=True)
    ]
    choices = [(f"{line} ({_state(text, check)})", check.session.id) for line, check in zip(lines, found, strict=True)]
    # Two checks of one day may have come to the same: a choice is known by its value, and the latest stands first.
    which = e.choice_set("check", text.text("teams.which_check"), choices, style="compact", value=choices[0][1])
    body = [
        e.heading(text.text("checks.title")),
        *(item for items in shown for item in items),
        {**which, "separator": True, "spacing": "Medium"},
        *e.actions(buttons(text, "see_recommendation", "new_check", "language", "forget_me"), {}),
    ]
    return e.card(body, "\n".join((text.text("checks.title"), *(f"- {title}" for title, _ in choices))))


def _line(text: Words, check: Check) -> str:
    day = check.updated.strftime("%d/%m/%Y" if text.language == "fr" else "%Y-%m-%d")
    return text.text("checks.item", date=day, outcome=outcome(text, check.session))


def _state(text: Words, check: Check) -> str:
    return text.text(f"checks.{_STATES.get(check.session.status, 'in_progress')}")


def outcome(text: Words, session: Session) -> str:
    """Return what a session came to, in a line."""
    result = recommend(FLOW, walk(FLOW, session.answers))
    if result:
        return text.text(f"outcome.{result.outcome.id}.title")
    return text.text("checks.in_progress" if session.status is Status.OPEN else "verdict.title")


def forget(text: Words, person: str) -> Json:
    """Ask once more before everything is deleted. `person`: whose data; a press by anybody else does nothing."""
    sure = text.text("forget.confirm")
    ways = compose.buttons(text, "forget_confirm", "close")
    return e.card([e.text(sure), *e.actions(ways, {"person": person})], sure)


def forgotten(text: Words, count: int) -> str:
    """Return what was deleted."""
    return text.count("forget.done", count) if count else text.text("forget.nothing")


def channels(text: Words, found: Sequence[tuple[str, str]], session: str, revision: int) -> Json:
    """Ask which channel to post to, and say what will be seen there."""
    ids = {"session": session, "revision": revision}
    back = Button("resume", text.text("label.back"))
    if not found:
        none = text.text("teams.no_channel")
        return e.card([e.text(none), *e.actions((back,), ids)], none)
    title, share = text.text("label.choose_channel"), text.text("review.share")
    which = e.choice_set("channel", title, found, style="compact", value=found[0][1])
    post = Button("post", text.text("label.post"), primary=True)
    return e.card([e.heading(title), which, e.quiet(share), *e.actions((post, back), ids)], f"{title}\n{share}")
