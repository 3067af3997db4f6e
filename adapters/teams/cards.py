"""A view -> its Adaptive Card. Every word is in the view; what only Teams says is in `notices`."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from adapters.teams import elements as e
from adapters.teams.elements import Json
from dialogs.plain import plain
from dialogs.session import Session, Status
from dialogs.views import (
    AdviceLine,
    Announcement,
    Button,
    HelpCard,
    Notice,
    Prompt,
    Recommendation,
    Review,
    Verdict,
    View,
)
from dialogs.words import words


def draw(view: View, session: Session | None = None, *, shared: bool = False) -> Json:
    """Return the card of a view. `session`: the dialog its buttons are about. `shared`: others can read it too."""
    ids: Json = {"session": session.id, "revision": session.revision} if session else {}
    if shared and session and isinstance(view, Review | Recommendation | Verdict) and view.share:
        # Elsewhere nobody sees the answers before they are posted. Here everybody does, and is told so.
        view = replace(view, share=words(session.language).text("teams.share"))
    match view:
        case Prompt():
            return _prompt(view, ids)
        case Review():
            return _review(view, ids)
        case Recommendation():
            return _recommendation(view, ids)
        case Verdict():
            return _verdict(view, ids)
        case HelpCard():
            return _help(view, ids)
        case Notice():
            lines = (e.said(line) for line in view.text.split("\n") if line)  # it may quote what was typed
            return e.card([*lines, *e.actions(_fitting(view.buttons), ids)], view.text)


def for_all(view: View, session: Session, *, shared: bool) -> Json:
    """Return the card everybody sees in the dialog's place.

    A recommendation kept private shows nothing there. Its owner's client asks for the owner's own view (`refresh`).
    """
    if not (shared and session.status is Status.KEPT and isinstance(view, Recommendation | Verdict)):
        return draw(view, session, shared=shared)
    text = words(session.language)
    made = draw(Notice("kept", text.text("teams.kept"), (Button("run_own", text.text("label.run_own")),)), session)
    action = e.execute(Button("refresh", text.text("label.see_recommendation")), {"session": session.id})
    return made | {"refresh": {"action": action, "userIds": [session.owner]}}


def announcement(view: Announcement, name: str, *, short: bool = False) -> Json:
    """Return the card of a post. `name`: who ran it. `short`: without what can be read by pressing a button."""
    body = [
        e.quiet(view.title),
        e.heading(view.headline, size="Large", spacing="Small"),
        e.said(view.by.replace("{person}", name), isSubtle=True, size="Small"),
        e.text(view.summary),
        *e.control(view.control),
        *(() if short else e.rows(view.because_title, view.because)),
        *e.section(view.steps_title, _steps(view.steps)),
        *(() if short else [e.quiet(view.sources, separator=True, spacing="Large"), e.quiet(view.caveat)]),
        *e.actions(view.buttons, {"session": view.session}),
    ]
    named = replace(view, by=view.by.replace("{person}", name))
    return e.card(body, plain(named), speak=f"{named.by}. {view.headline}. {view.summary}", wide=True)


def with_note(card: Json, *notes: str) -> Json:
    """Return a card with lines above it that only one person is to read."""
    return {**card, "body": [*_notes(notes), *card["body"]]} if notes else card


def _notes(notes: Iterable[str]) -> list[Json]:
    found = [e.text(note, spacing="Small") for note in notes]
    return [e.box(found, "accent")] if found else []


def _fitting(buttons: tuple[Button, ...], taken: int = 0) -> tuple[Button, ...]:
    return buttons[: e.MOST_ACTIONS - taken]


# --- Going through the questions ---


def _prompt(view: Prompt, ids: Json) -> Json:
    helps = [
        line for part in view.help for line in (e.text(part.title, weight="Bolder"), e.text(part.text, spacing="None"))
    ]
    body = [
        *_notes(view.note),
        e.quiet(view.progress),
        e.heading(view.text, spacing="Small"),
        *([e.quiet(view.current, spacing="Small")] if view.current else ()),
        *([e.box(helps)] if helps else ()),
        *e.actions(view.choices, ids),
        *e.actions(_fitting(view.buttons, len(view.choices)), ids, spacing="Small"),
    ]
    return e.card(body, plain(view))


def _review(view: Review, ids: Json) -> Json:
    body = [
        *_notes(view.note),
        *summary(view, view.share),
        *e.actions(_fitting(view.buttons, 1), ids),
    ]
    if view.rows:
        choices = [(f"{row.name} · {row.answer}", row.question) for row in view.rows]
        which = e.choice_set("change", view.intro, choices, style="compact", value=view.rows[0].question)
        change = e.actions([Button("change", view.change)], ids, spacing="Small")
        body += [{**which, "separator": True, "spacing": "Medium"}, *change]
    return e.card(body, plain(view))


def summary(view: Review, share: str | None) -> list[Json]:
    """Return the answers given, what they come to, and who will see it."""
    found = view.preview
    preview = found and [
        e.quiet(found.title),
        e.text(found.outcome, weight="Bolder", size="Medium", spacing="None"),
        e.text(found.summary, spacing="Small"),
        *e.control(found.control),
    ]
    return [
        e.heading(view.title),
        *_facts(view),
        *e.rows(view.unused_title, view.unused),
        *([e.box(preview, spacing="Medium")] if preview else ()),
        *([e.quiet(share)] if share else ()),
    ]


def _facts(view: Review) -> list[Json]:
    facts = [{"title": row.name, "value": row.answer} for row in view.rows]
    return [{"type": "FactSet", "facts": facts}] if facts else []


# --- What it comes to ---


def _recommendation(view: Recommendation, ids: Json) -> Json:
    body = [
        *_notes(view.note),
        e.quiet(view.title),
        e.heading(view.outcome, size="Large", spacing="Small"),
        e.text(view.summary, spacing="Small"),
        *([e.text(view.provisional, color="Warning")] if view.provisional else ()),
        *e.control(view.control),
        *e.section(view.advice_title, _advice(view.advice)),
        *e.rows(view.because_title, view.because, cited=True),
        *e.rows(view.others_title, view.others, cited=True),
        *e.listed(view.open_title, view.open),
        *e.listed(view.what_if_title, view.what_if),
        *e.rows(view.unused_title, view.unused),
        e.quiet(view.caveat, separator=True, spacing="Large"),
        *([e.quiet(view.share)] if view.share else ()),
        *e.actions(_fitting(view.buttons), ids),
    ]
    return e.card(body, plain(view), speak=f"{view.title}. {view.outcome}. {view.summary}", wide=True)


def _verdict(view: Verdict, ids: Json) -> Json:
    body = [
        *_notes(view.note),
        e.quiet(view.title),
        e.heading(view.strategic, spacing="Small"),
        *(e.text(line, spacing="Small") for line in (view.since, view.control) if line),
        *e.listed(view.possible_title, view.possible),
        *_plain_rows(view),
        *([e.text(view.next, weight="Bolder", separator=True, spacing="Medium")] if view.next else ()),
        *e.rows(view.unused_title, view.unused),
        e.quiet(view.caveat, separator=True, spacing="Large"),
        *([e.quiet(view.share)] if view.share else ()),
        *e.actions(_fitting(view.buttons), ids),
    ]
    return e.card(body, plain(view), wide=True)


def _plain_rows(view: Verdict) -> list[Json]:
    facts = [{"title": row.name, "value": row.answer} for row in view.rows]
    return [{"type": "FactSet", "facts": facts, "separator": True, "spacing": "Medium"}] if facts else []


def _advice(lines: Iterable[AdviceLine]) -> Iterable[Json]:
    for line in lines:
        yield e.text(line.title, weight="Bolder", spacing="Medium")
        yield e.text(line.text, spacing="None")
        yield e.text(f"→ {line.step}", spacing="Small")
        yield e.quiet(line.source, spacing="None")


def _steps(lines: Iterable[AdviceLine]) -> Iterable[Json]:
    for line in lines:
        yield e.text(line.title, weight="Bolder", spacing="Small")
        yield e.text(line.step, spacing="None")


def _help(view: HelpCard, ids: Json) -> Json:
    parts = (e.text(part) for part in view.parts)
    return e.card([e.heading(view.title), *parts, *e.actions(_fitting(view.buttons), ids)], plain(view))


@lru_cache(maxsize=8)
def moved(language: str) -> Json:
    """Return what is left of a card that has gone on further down."""
    text = words(language).text("teams.moved")
    return e.card([e.quiet(text)], text)
