"""Read the cards of each platform back into one form, so that they can be compared."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dialogs.community_flow import FLOW
from dialogs.translations import Translations, languages
from dialogs.views import AnswerRow, QuestionCard, RecommendationCard, ReviewCard, View

Pair = tuple[str, str]


class Bold(str):
    """A line in bold."""

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
    """`lines`: progress, question, current answer, help. `navigation`: back, why, restart."""

    notes: tuple[str, ...]
    lines: tuple[str, ...]
    choices: tuple[str, ...]
    navigation: tuple[str, ...]


@dataclass(frozen=True)
class ShownReview:
    notes: tuple[str, ...]
    rows: tuple[Pair, ...]
    unused: tuple[Pair, ...]
    outcome: tuple[str, ...]
    bar: tuple[str, ...]


@dataclass(frozen=True)
class ShownRecommendation:
    outcome: str
    summary: str
    provisional: bool
    bar: tuple[str, ...]
    control: tuple[str, ...]
    advice: tuple[str, ...]
    because: tuple[Pair, ...]
    others: tuple[Pair, ...]
    what_if: tuple[str, ...]
    open: tuple[str, ...]
    unused: tuple[Pair, ...]
    caveat: bool


@dataclass(frozen=True)
class ShownPost:
    outcome: tuple[str, ...]
    summary: tuple[str, ...]
    bar: tuple[str, ...]
    control: tuple[str, ...]
    because: tuple[Pair, ...]
    steps: tuple[str, ...]
    caveat: bool


ShownCard = ShownQuestion | ShownReview | ShownRecommendation


def parse_card(page: CardText, t: Translations) -> ShownCard:
    """Return the content of a card of a dialog."""
    known, notes = set(page.lines), tuple(page.notes)
    if normalize(t("review.title")) in known:
        parts = _parts(page, t, {"review.unused": "unused", "review.preview": "preview"})
        rows = tuple(line for line in parts[""] if isinstance(line, tuple))
        return ShownReview(
            notes, rows, _pairs(parts["unused"], t), _known_texts(page, t, "outcome.{}.title"), _bars(page.lines)
        )
    if normalize(t("recommendation.title")) in known:
        return _result(page, t)
    lines = tuple(str(line) for line in page.lines)
    cancel = t("label.cancel")  # the terminal has no such button
    navigation = tuple(label for row in page.buttons[1:] for label in row if label != cancel)
    return ShownQuestion(notes, lines, page.buttons[0], navigation)


def _result(page: CardText, t: Translations) -> ShownRecommendation:
    names = ("advice", "because", "others", "what_if", "open", "unused")
    parts = _parts(page, t, {f"recommendation.{name}": name for name in names})
    title = parts[""].index(normalize(t("recommendation.title")))
    outcome, summary = (str(line) for line in parts[""][title + 1 : title + 3])
    return ShownRecommendation(
        outcome,
        summary,
        normalize(t("recommendation.provisional")) in parts[""],
        _bars(parts[""]),
        _known_texts(page, t, "control.{}"),
        tuple(line for line in parts["advice"] if isinstance(line, Bold)),
        _pairs(parts["because"], t),
        _pairs(parts["others"], t),
        tuple(str(line) for line in parts["what_if"]),
        tuple(str(line) for line in parts["open"]),
        _pairs(parts["unused"], t),
        bool(parts["end"]),
    )


def parse_post(page: CardText, t: Translations) -> ShownPost:
    """Return the content of a post in a channel."""
    parts = _parts(page, t, {"recommendation.because": "because", "announcement.steps": "steps"})
    steps = tuple(str(line) for line in parts["steps"] if isinstance(line, Bold))
    return ShownPost(
        _known_texts(page, t, "outcome.{}.title"),
        _known_texts(page, t, "outcome.{}.summary"),
        _bars(page.lines),
        _known_texts(page, t, "control.{}"),
        tuple(line for line in parts["because"] if isinstance(line, tuple)),  # in Slack, sources may follow
        steps,
        bool(parts["end"]),
    )


def expected_card(view: View) -> ShownCard:
    """Return the content of a view without its notes."""
    match view:
        case QuestionCard():
            helps = [line for part in view.help for line in (part.title, part.text)]
            lines = [view.progress, view.text, *([view.current] if view.current else ()), *helps]
            navigation = tuple(button.label for button in view.buttons if button.action != "cancel")
            return ShownQuestion(
                (), tuple(map(normalize, lines)), tuple(button.label for button in view.choices), navigation
            )
        case ReviewCard():
            preview = view.preview
            outcome, bar = ((normalize(preview.outcome),), preview.control) if preview else ((), None)
            return ShownReview((), rows(view.rows), rows(view.unused), outcome, (bar.bar,) if bar else ())
        case RecommendationCard():
            return ShownRecommendation(
                normalize(view.outcome),
                normalize(view.summary),
                bool(view.provisional),
                (view.control.bar,) if view.control else (),
                (normalize(view.control.text),) if view.control else (),
                tuple(normalize(line.title) for line in view.advice),
                rows(view.because),
                rows(view.others),
                tuple(map(normalize, view.what_if)),
                tuple(map(normalize, view.open)),
                rows(view.unused),
                True,
            )
    raise AssertionError(view)


def rows(items: Iterable[AnswerRow]) -> tuple[Pair, ...]:
    return tuple((normalize(row.name), normalize(row.answer)) for row in items)


def without_notes(card: ShownCard) -> ShownCard:
    return card if isinstance(card, ShownRecommendation) else replace(card, notes=())


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


def _pairs(lines: Iterable[Line], t: Translations) -> tuple[Pair, ...]:
    between = re.compile(f" · |{re.escape(_separator(t))}")
    pairs = []
    for line in lines:
        name, answer = line if isinstance(line, tuple) else between.split(line, maxsplit=1)
        pairs.append((name, answer))
    return tuple(pairs)


def _bars(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(line for line in lines if isinstance(line, str) and re.fullmatch("[●○]+", line))


def _known_texts(page: CardText, t: Translations, pattern: str) -> tuple[str, ...]:
    """Return the lines that are texts with an id of this pattern."""
    ids = range(len(FLOW.control) + 1) if pattern.startswith("control") else [outcome.id for outcome in FLOW.outcomes]
    texts = {normalize(t(pattern.format(id))) for id in ids}
    return tuple(line for line in page.lines if isinstance(line, str) and line in texts)


def _separator(t: Translations) -> str:
    return t("terminal.row", name="", answer="")


# --- Slack ---


def read_slack(blocks: Iterable[dict[str, Any]]) -> CardText:
    page = CardText()
    for block in blocks:
        if block["type"] == "actions":
            page.buttons.append(tuple(_plain(button["text"]["text"]) for button in block["elements"]))
            continue
        for item in (e["text"] for e in block.get("elements") or [block.get("text", {})] if "text" in e):
            text = item if isinstance(item, str) else item["text"]
            if text.startswith(">"):
                page.notes.append(_plain(text[1:]))
            elif "accessory" in block:
                name, answer = text.split("\n")
                page.lines.append((_plain(name), _plain(answer.strip("*"))))
            else:
                page.lines += [line for raw in text.split("\n") for line in _slack_line(raw)]
    return page


def _slack_line(text: str) -> Iterator[Line]:
    text = text.removeprefix(":warning: ")
    if row := re.fullmatch(r"•  (.+?) · \*(.+?)\*(?: · _.+_)?", text):
        yield _plain(row[1]), _plain(row[2])
    elif control := re.fullmatch(r"\*(.+)\*  ([●○]+)", text):
        yield Bold(_plain(control[1]))
        yield control[2]
    elif bold := re.fullmatch(r"\*(.+)\*(?: · _.+_)?", text):
        yield Bold(_plain(bold[1]))
    elif text:
        yield _plain(text.removeprefix("•  "))


def _plain(mrkdwn: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        mrkdwn = mrkdwn.replace(entity, character)
    return normalize(mrkdwn)


# --- Teams ---


def read_teams(card: dict[str, Any]) -> CardText:
    page = CardText()
    for element in card["body"]:
        if element["type"] == "Container" and element.get("style") == "accent":
            page.notes += [line for item in element["items"] for line in _teams_lines(item) if isinstance(line, str)]
        elif element["type"] == "ActionSet":
            page.buttons.append(tuple(action["title"] for action in element["actions"]))
        else:
            page.lines += _teams_lines(element)
    return page


_CITED = re.compile(r" \(parti?e?s? [^()]*\)$")


def _teams_lines(element: dict[str, Any]) -> Iterator[Line]:
    match element["type"]:
        case "TextBlock":
            kind = Bold if element.get("weight") == "Bolder" else str
            for line in element["text"].split("\n"):
                yield kind(normalize(line.removeprefix("• ").removeprefix("→ ")))
        case "RichTextBlock":
            yield normalize("".join(run["text"] for run in element["inlines"]))
        case "FactSet":
            yield from (
                (normalize(fact["title"]), _CITED.sub("", normalize(fact["value"]))) for fact in element["facts"]
            )
        case "Container" | "Column" | "ColumnSet":
            for item in element.get("items") or element.get("columns") or ():
                yield from _teams_lines(item)
        case "Input.ChoiceSet":
            pass  # the answer to change: repeats the facts
        case other:
            raise AssertionError(f"unknown element {other}")


# --- The terminal, without line wrapping ---


def read_terminal(printed: str, t: Translations) -> CardText:
    """Read the last printed card."""
    page = CardText()
    lines = [line for line in re.split("─{20,}", printed)[-1].split("\n") if line.strip(" ")]
    progress = re.escape(t("progress.question", number=0)).replace("0", r"\d+")
    titles = {t(id) for id in ("review.title", "recommendation.title", "prompt.changing")}
    start = next(i for i, line in enumerate(lines) if line in titles or re.match(f"{progress} · ", line))
    page.notes = [normalize(line) for line in lines[:start]]
    choices: list[str] = []
    for line in lines[start:-1]:
        if numbered := re.fullmatch(r" +(\d+)  (.+?)( ⏎)?", line):
            choices.append(normalize(numbered[2]))
            assert int(numbered[1]) == len(choices)
        else:
            page.lines += _terminal_line(line, t)
    # The last ones are on every card: help, the other languages, quit.
    navigation = [label.removeprefix("⏎ ") for label in lines[-1].split(" · ")][: -1 - len(languages())]
    page.buttons = [tuple(choices), tuple(navigation)]
    if lines[start] == t("review.title"):
        after = page.lines.index(normalize(t("terminal.review"))) + 1
        page.lines[after:after] = list(_pairs(choices, t))
    return page


def _terminal_line(line: str, t: Translations) -> Iterator[Line]:
    control = t("terminal.control", title=t("control.title"), bar="@@", words="##")
    if advice := re.fullmatch(r" +\d+\. (.+) \([^()]+\)", line):
        yield Bold(normalize(advice[1]))
    elif row := re.fullmatch(rf"  • (.+?){re.escape(_separator(t))}(.+) \([^()]+\)", line):
        yield normalize(row[1]), normalize(row[2])
    elif match := re.fullmatch(re.escape(control).replace("@@", "([●○]+)").replace(r"\#\#", "(.+)"), line):
        yield match[1]
        yield normalize(match[2])
    else:
        yield normalize(line.strip(" ").removeprefix("• ").removeprefix("→ "))
