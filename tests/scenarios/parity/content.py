"""The content of cards in one form, so that those of different platforms can be compared."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from dialogs.translations import Translations
from dialogs.views import (
    AdviceLine,
    AnswerRow,
    DetailsCard,
    Notice,
    Option,
    QuestionCard,
    RecommendationCard,
    ReviewCard,
    View,
)

Pair = tuple[str, str]


class Bold(str):
    """A line in bold."""

    __slots__ = ()


class Cited(str):
    """The place in the article that a text comes from."""

    __slots__ = ()


Line = str | Pair


@dataclass
class CardText:
    """The text of a card: notes above it, lines in reading order, and rows of buttons."""

    notes: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    buttons: list[tuple[str, ...]] = field(default_factory=list)


def normalize(text: str) -> str:
    """Collapse line breaks and spaces, but not non-breaking spaces."""
    return " ".join(filter(None, text.replace("\n", " ").split(" ")))


# --- The content of cards ---


@dataclass(frozen=True)
class ShownQuestion:
    """`lines`: bar, progress, question, current answer, help. `navigation`: the other buttons, as they are labeled."""

    notes: tuple[str, ...]
    lines: tuple[str, ...]
    choices: tuple[str, ...]
    navigation: tuple[str, ...]


@dataclass(frozen=True)
class ShownReview:
    notes: tuple[str, ...]
    rows: tuple[Pair, ...]
    unused: tuple[Pair, ...]


@dataclass(frozen=True)
class ShownRecommendation:
    """`outcome`: with its mark. `steps`: title and step of each."""

    notes: tuple[str, ...]
    outcome: str
    because: str
    provisional: bool
    summary: str
    bar: tuple[str, ...]
    control: str
    steps: tuple[Pair, ...]


@dataclass(frozen=True)
class ShownOption:
    title: str
    pros: tuple[str, ...]
    cons: tuple[str, ...]


@dataclass(frozen=True)
class ShownDetails:
    """`outcome`: with its mark. `advice`: title, reason, text, step and source of each."""

    notes: tuple[str, ...]
    outcome: str
    provisional: bool
    options: tuple[ShownOption, ...]
    challengers: tuple[str, ...]
    advice: tuple[tuple[str, ...], ...]
    what_if: tuple[str, ...]
    open: tuple[str, ...]
    rows: tuple[Pair, ...]
    unused: tuple[Pair, ...]
    caveat: bool


@dataclass(frozen=True)
class ShownPost:
    """`outcome`: with its mark. `by`: it says who ran the check."""

    outcome: str
    by: bool
    provisional: bool
    because: str
    bar: tuple[str, ...]
    steps: tuple[Pair, ...]


@dataclass(frozen=True)
class ShownNotice:
    """A short text with buttons in place of the card."""

    text: str
    buttons: tuple[str, ...]
    notes: tuple[str, ...] = ()


ShownCard = ShownNotice | ShownQuestion | ShownReview | ShownRecommendation | ShownDetails


def parse_card(page: CardText, t: Translations) -> ShownCard:
    """Return the content of a card of a dialog."""
    known, notes = set(page.lines), tuple(page.notes)
    if normalize(t("details.options")) in known:
        return _details(page, t)
    if normalize(t("recommendation.steps")) in known:
        return _recommendation(page, t)
    if normalize(t("review.title")) in known:
        parts = _parts(page, t, {"review.unused": "unused"})
        rows = tuple(line for line in parts[""] if isinstance(line, tuple))
        return ShownReview(notes, rows, pairs(parts["unused"], t))
    public = normalize(t("teams.public"))  # said in a channel; the dialog in Slack is private
    lines = tuple(str(line) for line in page.lines if line != public)
    cancel = t("label.cancel")  # the terminal has no such button
    navigation = tuple(label for row in page.buttons[1:] for label in row if label != cancel)
    if len(lines) == 1:
        return ShownNotice(lines[0], page.buttons[0])
    return ShownQuestion(notes, lines, page.buttons[0], navigation)


def _recommendation(page: CardText, t: Translations) -> ShownRecommendation:
    parts = _parts(page, t, {"recommendation.steps": "steps"})
    outcome, because, *others = _without(parts[""], t, "recommendation.title")
    provisional = others[0] == normalize(t("recommendation.provisional"))
    bars = _bars(others)
    control = next(line for line in others[others.index(bars[0]) + 1 :] if not isinstance(line, Bold))
    return ShownRecommendation(
        tuple(page.notes), outcome, because, provisional, others[provisional], bars, control, _steps(parts["steps"])
    )


def _details(page: CardText, t: Translations) -> ShownDetails:
    parts = _parts(
        page,
        t,
        {
            "details.options": "options",
            "recommendation.advice": "advice",
            "recommendation.what_if": "what_if",
            "recommendation.open": "open",
            "review.title": "rows",
            "recommendation.unused": "unused",
        },
    )
    outcome, *others = _without(parts[""], t, "details.title")
    options, start = parts["options"], normalize(t("details.challengers", outcomes=""))[:-1]
    challengers = tuple(str(line) for line in options if isinstance(line, str) and line.startswith(start))
    return ShownDetails(
        tuple(page.notes),
        outcome,
        normalize(t("recommendation.provisional")) in others,
        tuple(map(_option, _groups(line for line in options if line not in challengers))),
        challengers,
        tuple(_sources_last(group) for group in _groups(parts["advice"])),
        tuple(str(line) for line in parts["what_if"]),
        tuple(str(line) for line in parts["open"]),
        pairs(parts["rows"], t),
        pairs(parts["unused"], t),
        bool(parts["end"]),
    )


def parse_post(page: CardText, t: Translations) -> ShownPost:
    """Return the content of a post in a channel."""
    parts = _parts(page, t, {"announcement.steps": "steps"})
    by = t("announcement.by").partition("{person}")[0]
    bars = _bars(page.lines)
    lines = [line for line in parts[""] if isinstance(line, str) and line not in {*bars, normalize(t("control.title"))}]
    outcome, *provisional, because = (line for line in lines if by not in line)
    assert provisional in ([], [normalize(t("recommendation.provisional"))])
    steps = tuple(line for line in parts["steps"] if isinstance(line, tuple))
    return ShownPost(str(outcome), any(by in line for line in lines), bool(provisional), str(because), bars, steps)


def expected_card(view: View, t: Translations) -> ShownCard:
    """Return the content of a view without its notes."""
    match view:
        case QuestionCard():
            helps = [line for part in view.help for line in (part.title, part.text)]
            lines = [
                *([view.bar] if view.bar else ()),
                view.progress,
                view.text,
                *([view.current] if view.current else ()),
                *helps,
            ]
            navigation = tuple(button.label for button in view.buttons if button.action != "cancel")
            return ShownQuestion(
                (),
                tuple(map(normalize, lines)),
                tuple(f"{button.sign} {button.label}".strip() for button in view.choices),
                navigation,
            )
        case Notice():
            return ShownNotice(normalize(view.text), tuple(button.label for button in view.buttons))
        case ReviewCard():
            return ShownReview((), rows(view.rows), rows(view.unused))
        case RecommendationCard():
            assert view.control
            return ShownRecommendation(
                (),
                normalize(f"{view.mark} {view.outcome}"),
                normalize(view.because),
                bool(view.provisional),
                normalize(view.summary),
                (view.control.bar,),
                normalize(view.control.text),
                steps(view.steps),
            )
        case DetailsCard():
            return _expected_details(view, t)
    raise AssertionError(view)


def _expected_details(view: DetailsCard, t: Translations) -> ShownDetails:
    def title(option: Option) -> str:
        return normalize(t("details.recommended", outcome=option.title) if option.recommended else option.title)

    return ShownDetails(
        (),
        normalize(f"{view.mark} {view.outcome}"),
        bool(view.provisional),
        tuple(
            ShownOption(title(option), tuple(map(normalize, option.pros)), tuple(map(normalize, option.cons)))
            for option in view.options
        ),
        (normalize(view.challengers),) if view.challengers else (),
        tuple(
            tuple(map(normalize, (line.title, line.reason, line.text, line.step, line.source))) for line in view.advice
        ),
        tuple(map(normalize, view.what_if)),
        tuple(map(normalize, view.open)),
        rows(view.rows),
        rows(view.unused),
        True,
    )


def steps(lines: Iterable[AdviceLine]) -> tuple[Pair, ...]:
    return tuple((normalize(line.title), normalize(line.step)) for line in lines)


def rows(items: Iterable[AnswerRow]) -> tuple[Pair, ...]:
    return tuple((normalize(row.name), normalize(row.answer)) for row in items)


def without_notes(card: ShownCard) -> ShownCard:
    return replace(card, notes=())


def _parts(page: CardText, t: Translations, titles: dict[str, str]) -> dict[str, list[Line]]:
    """Return the lines below each title; "" has those above the first, "end" the caveat."""
    named = {normalize(t(id)): part for id, part in titles.items()}
    caveat = normalize(t("article.caveat", title=t("article.title"), author=t("article.author")))
    parts: dict[str, list[Line]] = {"": [], "end": [], **{part: [] for part in titles.values()}}
    current = ""
    for line in page.lines:
        current = "end" if line == caveat else current
        if isinstance(line, str) and line in named:
            assert not parts[named[line]], f"{line!r} twice"
            current = named[line]
        else:
            parts[current].append(line)
    return parts


def pairs(lines: Iterable[Line], t: Translations) -> tuple[Pair, ...]:
    """Return name and answer of each line."""
    between = re.compile(f" · |{re.escape(separator(t))}")
    result = []
    for line in lines:
        name, answer = line if isinstance(line, tuple) else between.split(line, maxsplit=1)
        result.append((name, answer))
    return tuple(result)


def _bars(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(line for line in lines if isinstance(line, str) and re.fullmatch("[●○]+", line))


def _without(lines: Iterable[Line], t: Translations, title: str) -> list[str]:
    """Return the lines without the title of the card, which Slack does not show on the recommendation."""
    return [line for line in lines if isinstance(line, str) and line != normalize(t(title))]


def _steps(lines: list[Line]) -> tuple[Pair, ...]:
    """Return each line in bold with the line below it."""
    return tuple((str(line), str(step)) for line, step in pairwise(lines) if isinstance(line, Bold))


def _groups(lines: Iterable[Line]) -> list[list[str]]:
    """Return each line in bold with the lines below it."""
    groups: list[list[str]] = []
    for line in lines:
        assert isinstance(line, str)
        if isinstance(line, Bold):
            groups.append([])
        groups[-1].append(line)
    return groups


def _option(lines: list[str]) -> ShownOption:
    title, *arguments = lines
    pros = tuple(line.removeprefix("+ ") for line in arguments if line.startswith("+ "))
    cons = tuple(line.removeprefix("− ") for line in arguments if line.startswith("− "))
    assert len(pros) + len(cons) == len(arguments), lines
    return ShownOption(str(title), pros, cons)


def _sources_last(lines: list[str]) -> tuple[str, ...]:
    """Return the lines of one advice with its source at the end."""
    return tuple(str(line) for line in sorted(lines, key=lambda line: isinstance(line, Cited)))


def separator(t: Translations) -> str:
    return t("terminal.row", name="", answer="")
