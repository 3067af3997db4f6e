"""A view as plain text: for a notification, a screen reader, a voice, a terminal."""

from collections.abc import Iterable

from dialogs.views import (
    Announcement,
    AnswerRow,
    Control,
    HelpCard,
    Notice,
    PartialResultCard,
    Preview,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)


def plain_text(view: View | Announcement) -> str:
    """Return everything the view says, in reading order, a line a thing. Buttons are left out, choices are not."""
    return "\n".join(line for line in _lines(view) if line)


def _lines(view: View | Announcement) -> Iterable[str | None]:
    match view:
        case Notice():
            yield view.text
        case HelpCard():
            yield view.title
            yield from view.parts
        case QuestionCard():
            yield from (*view.note, view.progress, view.text, view.current)
            yield from (f"{part.title}\n{part.text}" for part in view.help)
            yield " · ".join(choice.label for choice in view.choices)
        case ReviewCard():
            yield from (*view.note, view.title, view.intro)
            yield from _rows(view.rows)
            yield from _preview(view.preview)
            yield view.share
        case RecommendationCard():
            yield from (*view.note, view.title, view.outcome, view.summary, view.provisional)
            yield from _control(view.control)
            yield from _listed(
                view.advice_title, tuple(f"{line.title}\n{line.text}\n{line.step}" for line in view.advice)
            )
            yield from (view.because_title, *_rows(view.because), *_listed(view.what_if_title, view.what_if))
            yield from _listed(view.open_title, view.open)
            yield view.caveat
        case PartialResultCard():
            yield from (*view.note, view.title, view.strategic, view.since, view.control)
            yield from _listed(view.possible_title, view.possible)
            yield from (*_rows(view.rows), view.next, view.caveat)
        case Announcement():
            yield from (view.title, view.by, view.headline, view.summary)
            yield from _control(view.control)
            yield from (view.because_title, *_rows(view.because))
            yield from _listed(view.steps_title, tuple(f"{line.title}. {line.step}" for line in view.steps))
            yield from (view.sources, view.caveat)


def _rows(rows: Iterable[AnswerRow]) -> Iterable[str]:
    return (f"- {row.name} · {row.answer}" for row in rows)


def _listed(title: str, items: tuple[str, ...]) -> Iterable[str]:
    return (title, *(f"- {item}" for item in items)) if items else ()


def _control(control: Control | None) -> Iterable[str]:
    return (f"{control.title} ({control.level}/{control.most})", control.words) if control else ()


def _preview(preview: Preview | None) -> Iterable[str]:
    if preview:
        yield from (preview.title, preview.outcome, preview.summary, *_control(preview.control))
