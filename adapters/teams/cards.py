"""A view -> its Adaptive Card. Every word is in the view; what only Teams says is in `notices`."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from adapters.teams import adaptive_cards as e
from adapters.teams.adaptive_cards import Json
from dialogs.plain_text import plain_text
from dialogs.session import Session, Status
from dialogs.translations import translations
from dialogs.views import (
    AdviceLine,
    Announcement,
    Button,
    HelpCard,
    Notice,
    PartialResultCard,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)


def draw(view: View, session: Session | None = None, *, shared: bool = False) -> Json:
    """Return the card of a view. `session`: the dialog its buttons are about. `shared`: others can read it too."""
    ids: Json = {"session": session.id, "revision": session.revision} if session else {}
    if shared and session and isinstance(view, ReviewCard | RecommendationCard | PartialResultCard) and view.share:
        # Elsewhere nobody sees the answers before they are posted. Here everybody does, and is told so.
        view = replace(view, share=translations(session.language)("teams.share"))
    match view:
        case QuestionCard():
            return _prompt(view, ids)
        case ReviewCard():
            return _review(view, ids)
        case RecommendationCard():
            return _recommendation(view, ids)
        case PartialResultCard():
            return _verdict(view, ids)
        case HelpCard():
            return _help(view, ids)
        case Notice():
            lines = (e.literal(line) for line in view.text.split("\n") if line)  # it may quote what was typed
            return e.card([*lines, *e.actions(_fitting(view.buttons), ids)], view.text)


def for_all(view: View, session: Session, *, shared: bool) -> Json:
    """Return the card everybody sees in the dialog's place.

    A recommendation kept private shows nothing there. Its owner's client asks for the owner's own view (`refresh`).
    """
    if not (shared and session.status is Status.KEPT and isinstance(view, RecommendationCard | PartialResultCard)):
        return draw(view, session, shared=shared)
    t = translations(session.language)
    made = draw(Notice("kept", t("teams.kept"), (Button("run_own", t("label.run_own")),)), session)
    action = e.execute(Button("refresh", t("label.see_recommendation")), {"session": session.id})
    return made | {"refresh": {"action": action, "userIds": [session.owner]}}


def announcement(view: Announcement, name: str, *, short: bool = False) -> Json:
    """Return the card of a post. `name`: who ran it. `short`: without what can be read by pressing a button."""
    body = [
        e.quiet(view.title),
        e.heading(view.headline, size="Large", spacing="Small"),
        e.literal(view.by.replace("{person}", name), isSubtle=True, size="Small"),
        e.text(view.summary),
        *e.control(view.control),
        *(() if short else e.rows(view.because_title, view.because)),
        *e.section(view.steps_title, _steps(view.steps)),
        *(() if short else [e.quiet(view.sources, separator=True, spacing="Large"), e.quiet(view.caveat)]),
        *e.actions(view.buttons, {"session": view.session}),
    ]
    named = replace(view, by=view.by.replace("{person}", name))
    return e.card(body, plain_text(named), speak=f"{named.by}. {view.headline}. {view.summary}", wide=True)


def with_note(card: Json, *notes: str) -> Json:
    """Return a card with lines above it that only one person is to read."""
    return {**card, "body": [*_notes(notes), *card["body"]]} if notes else card


def _notes(notes: Iterable[str]) -> list[Json]:
    found = [e.text(note, spacing="Small") for note in notes]
    return [e.box(found, "accent")] if found else []


def _fitting(buttons: tuple[Button, ...], taken: int = 0) -> tuple[Button, ...]:
    return buttons[: e.MAX_ACTIONS - taken]


# --- Going through the questions ---


def _prompt(view: QuestionCard, ids: Json) -> Json:
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
    return e.card(body, plain_text(view))


def _review(view: ReviewCard, ids: Json) -> Json:
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
    return e.card(body, plain_text(view))


def summary(view: ReviewCard, share: str | None) -> list[Json]:
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


def _facts(view: ReviewCard) -> list[Json]:
    facts = [{"title": row.name, "value": row.answer} for row in view.rows]
    return [{"type": "FactSet", "facts": facts}] if facts else []


# --- What it comes to ---


def _recommendation(view: RecommendationCard, ids: Json) -> Json:
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
    return e.card(body, plain_text(view), speak=f"{view.title}. {view.outcome}. {view.summary}", wide=True)


def _verdict(view: PartialResultCard, ids: Json) -> Json:
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
    return e.card(body, plain_text(view), wide=True)


def _plain_rows(view: PartialResultCard) -> list[Json]:
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
    return e.card([e.heading(view.title), *parts, *e.actions(_fitting(view.buttons), ids)], plain_text(view))


@lru_cache(maxsize=8)
def moved(language: str) -> Json:
    """Return what is left of a card that has gone on further down."""
    text = translations(language)("teams.moved")
    return e.card([e.quiet(text)], text)
