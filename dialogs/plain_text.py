"""A view as plain text, for notifications, screen readers and terminals."""

from collections.abc import Iterable

from dialogs import views
from dialogs.views import AnswerRow, Control


def plain_text(view: views.View | views.Announcement) -> str:
    """Return every text of the view in reading order, one per line. Buttons are left out, choices are not."""
    return "\n".join(line for line in _lines(view) if line)


def _lines(view: views.View | views.Announcement) -> Iterable[str | None]:
    match view:
        case views.Notice():
            return [view.text]
        case views.HelpCard():
            return [view.title, *view.parts]
        case views.QuestionCard():
            help_parts = [f"{part.title}\n{part.text}" for part in view.help]
            choices = " · ".join([choice.label for choice in view.choices])
            return [*view.note, view.progress, view.text, view.current, *help_parts, choices]
        case views.ReviewCard():
            return [*view.note, view.title, view.intro, *_rows(view.rows), *_preview(view.preview), view.share]
        case views.RecommendationCard():
            advice = [f"{line.title}\n{line.text}\n{line.step}" for line in view.advice]
            return [
                *(*view.note, view.title, view.outcome, view.summary, view.provisional),
                *_control(view.control),
                *_section(view.advice_title, advice),
                *(view.because_title, *_rows(view.because)),
                *_section(view.what_if_title, view.what_if),
                *_section(view.open_title, view.open),
                view.caveat,
            ]
        case views.PartialResultCard():
            return [
                *(*view.note, view.title, view.strategic, view.since, view.control),
                *_section(view.possible_title, view.possible),
                *(*_rows(view.rows), view.next, view.caveat),
            ]
        case views.Announcement():
            return [
                *(view.title, view.by, view.headline, view.summary),
                *_control(view.control),
                *(view.because_title, *_rows(view.because)),
                *_section(view.steps_title, [f"{line.title}. {line.step}" for line in view.steps]),
                *(view.sources, view.caveat),
            ]


def _rows(rows: Iterable[AnswerRow]) -> list[str]:
    return [f"- {row.name} · {row.answer}" for row in rows]


def _section(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"- {item}" for item in items]
    return [title, *lines] if lines else []


def _control(control: Control | None) -> list[str]:
    return [f"{control.title} ({control.level}/{control.max_level})", control.text] if control else []


def _preview(preview: views.Preview | None) -> list[str]:
    return [preview.title, preview.outcome, preview.summary, *_control(preview.control)] if preview else []
