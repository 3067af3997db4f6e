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
            return [*view.note, view.progress, view.text, view.current, *help_parts, choices, view.audience]
        case views.ReviewCard():
            return [*view.note, view.title, view.intro, *_rows(view.rows)]
        case views.RecommendationCard():
            steps = _section(view.steps_title, [f"{line.title}. {line.step}" for line in view.steps])
            return [
                *(*view.note, view.title, view.outcome, view.because, view.provisional, view.summary),
                *(*_control(view.control), *steps, view.share),
            ]
        case views.DetailsCard():
            return [
                *(*view.note, view.title, view.outcome, view.provisional, view.options_title),
                *(line for option in view.options for line in _option(option)),
                view.challengers,
                *_section(view.advice_title, [f"{line.title}\n{line.text}\n{line.step}" for line in view.advice]),
                *_section(view.what_if_title, view.what_if),
                *_section(view.open_title, view.open),
                *(view.rows_title, *_rows(view.rows), view.caveat, *([view.article.url] if view.article else ())),
            ]
        case views.PartialResultCard():
            return [
                *(*view.note, view.title, view.strategic, view.since, view.control),
                *_section(view.possible_title, view.possible),
                *(*_rows(view.rows), view.next, view.caveat),
            ]
        case views.Announcement():
            steps = _section(view.steps_title, [f"{line.title}. {line.step}" for line in view.steps])
            return [view.title, view.by, view.headline, view.provisional, view.because, *_control(view.control), *steps]


def _option(option: views.Option) -> list[str]:
    return [
        option.title,
        *(f"+ {argument}" for argument in option.pros),
        *(f"− {argument}" for argument in option.cons),
    ]


def _rows(rows: Iterable[AnswerRow]) -> list[str]:
    return [f"- {row.name} · {row.answer}" for row in rows]


def _section(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"- {item}" for item in items]
    return [title, *lines] if lines else []


def _control(control: Control | None) -> list[str]:
    return [f"{control.title} ({control.level}/{control.max_level})", control.text] if control else []
