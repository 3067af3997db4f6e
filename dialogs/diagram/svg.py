"""A flow as one SVG picture: what is always asked, the fact it turns on, and a lane for either truth of it.

Laid out here, from `dialogs.diagram.graph`, with no tool and no font of its own: the widths of words are estimated
a little
too wide, so that they fit whatever sans-serif face is at hand. It brings its own background, for light and dark pages.
"""

from dataclasses import dataclass
from html import escape

from dialogs.diagram.graph import Edge, Lane, always, cases, edges, in_words, lanes, options_in_words
from dialogs.flow import Flow, Outcome, Question
from dialogs.presenter import option_label
from dialogs.translations import Translations

WIDTH = 1040.0
MARGIN, PAD, GAP = 28.0, 16.0, 16.0
ARROW, RAIL = 30.0, 30.0
GUTTER = 100.0
"""Room beside a lane's cards for the edges that skip one."""

INK, SOFT, LINE, PAPER, PANEL = "#1b2430", "#52606d", "#9aa5b1", "#ffffff", "#f3f5f7"
TRUE, TRUE_PANEL, FALSE, FALSE_PANEL = "#0b6e5c", "#e6f4f0", "#8a5a00", "#fbf3e2"

_NARROW, _WIDE = frozenset("iljtfrI.,:;'’!|()[]·-  "), frozenset("mwMW@%—…")


def svg(flow: Flow, t: Translations) -> str:
    """Return the picture as an SVG document."""
    sheet = _Sheet([])
    title = t("announcement.title")
    sheet.write(WIDTH / 2, MARGIN + 20, [title], size=21, bold=True, anchor="middle")
    bottom = _opening(sheet, flow, t, MARGIN + 44)
    top = _fact(sheet, flow, t, bottom)
    height = _lanes(sheet, flow, t, top) + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}"'
        f' height="{height:g}" role="img" lang="{t.language}"'
        ' font-family="Helvetica, Arial, &quot;Liberation Sans&quot;, sans-serif">\n'
        f"<title>{escape(title)}</title>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{SOFT}"/></marker></defs>\n'
        f'<rect width="{WIDTH:g}" height="{height:g}" rx="14" fill="{PAPER}"/>\n'
        + "\n".join(sheet.parts)
        + "\n</svg>\n"
    )


# --- Words on a sheet ---------------------------------------------------------------------------------------------


def _width(text: str, size: float, *, bold: bool = False) -> float:
    em = sum(
        0.31 if letter in _NARROW else 0.88 if letter in _WIDE else 0.7 if letter.isupper() else 0.56 for letter in text
    )
    return em * size * (1.06 if bold else 1)


def _wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Break `text` at plain blanks into lines no wider than `width`, as far as its words allow."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip(" ")
        if lines[-1] and _width(longer, size, bold=bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Collects the elements of a picture, from back to front."""

    parts: list[str]

    def box(self, x: float, y: float, w: float, h: float, fill: str, line: str = "none", *, round: float = 9) -> None:  # noqa: A002
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{round:g}" fill="{fill}" stroke="{line}"/>'
        )

    def write(
        self,
        x: float,
        y: float,
        lines: list[str],
        *,
        size: float = 13,
        bold: bool = False,
        fill: str = INK,
        anchor: str = "start",
    ) -> float:
        """Write lines, the first on the base line `y`; return the base line of the next."""
        weight = ' font-weight="bold"' if bold else ""
        for line in lines:
            self.parts.append(
                f'<text x="{x:g}" y="{y:g}" font-size="{size:g}"{weight} fill="{fill}" text-anchor="{anchor}">'
                f"{escape(line)}</text>"
            )
            y += round(size * 1.36)
        return y

    def arrow(self, *points: tuple[float, float]) -> None:
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{SOFT}" stroke-width="1.6" marker-end="url(#head)"/>'
        )


# --- Questions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Card:
    """A question laid out for a width: its name, its text, and its options as rows of pills."""

    name: list[str]
    text: list[str]
    pills: list[list[tuple[str, float, bool]]]

    @property
    def height(self) -> float:
        return PAD + 19 * len(self.name) + 17 * len(self.text) + 8 + 30 * len(self.pills) + PAD - 10

    def draw(self, sheet: _Sheet, x: float, y: float, w: float, h: float) -> None:
        sheet.box(x, y, w, h, PAPER, LINE)
        base = sheet.write(x + PAD, y + PAD + 11, self.name, size=14, bold=True)
        sheet.write(x + PAD, base, self.text, size=12.5, fill=SOFT)
        # Pills stand at the foot, so that they line up in a row of cards.
        top = y + h - PAD + 6 - 30 * len(self.pills)
        for row in self.pills:
            left = x + PAD
            for label, width, marked in row:
                sheet.box(left, top, width, 24, TRUE if marked else PAPER, TRUE if marked else LINE, round=12)
                fill = PAPER if marked else INK
                sheet.write(left + width / 2, top + 16.5, [label], size=12, bold=marked, fill=fill, anchor="middle")
                left += width + 6
            top += 30


def _card(flow: Flow, t: Translations, question: Question, width: float) -> _Card:
    marked = {
        (id, option)
        for case in cases(flow, flow.strategic.condition)
        if len(case) == 1
        for id, options in case.items()
        for option in options
    }
    rows: list[list[tuple[str, float, bool]]] = [[]]
    room = inner = width - 2 * PAD
    for option in question.options:
        mark = (question.id, option) in marked
        label = ("★ " if mark else "") + option_label(t, question.id, option)
        wide = _width(label, 12, bold=mark) + 20
        if rows[-1] and wide > room:
            rows.append([])
            room = inner
        rows[-1].append((label, wide, mark))
        room -= wide + 6
    name = _wrap(t(f"question.{question.id}.short"), inner, 14, bold=True)
    return _Card(name, _wrap(t(f"question.{question.id}.text"), inner, 12.5), rows)


# --- The parts, from top to bottom; each returns where the next begins --------------------------------------------


def _opening(sheet: _Sheet, flow: Flow, t: Translations, top: float) -> float:
    questions = always(flow)
    width = (WIDTH - 2 * MARGIN - 2 * PAD - GAP * (len(questions) - 1)) / len(questions)
    cards = [_card(flow, t, question, width) for question in questions]
    height = max(card.height for card in cards)
    sheet.box(MARGIN, top, WIDTH - 2 * MARGIN, height + 2 * PAD + 26, PANEL, round=12)
    sheet.write(MARGIN + PAD, top + PAD + 10, [t("terminal.flow.always")], size=14, bold=True, fill=SOFT)
    y = top + PAD + 26
    for place, card in enumerate(cards):
        x = MARGIN + PAD + place * (width + GAP)
        card.draw(sheet, x, y, width, height)
        if place:
            sheet.arrow((x - GAP + 1, y + 24), (x - 1, y + 24))
    return y + height + PAD


def _fact(sheet: _Sheet, flow: Flow, t: Translations, top: float) -> float:
    middle, y = WIDTH / 2, top + ARROW + 44
    label = t(f"terminal.flow.{flow.strategic.id}")
    half = _width(label, 15, bold=True) / 2 + 40
    sheet.arrow((middle, top), (middle, y - 44))
    points = f"{middle - half:g},{y:g} {middle:g},{y - 42:g} {middle + half:g},{y:g} {middle:g},{y + 42:g}"
    sheet.parts.append(f'<polygon points="{points}" fill="{PAPER}" stroke="{INK}" stroke-width="1.8"/>')
    sheet.write(middle, y + 5, [label], size=15, bold=True, anchor="middle")
    end = y + 42 + ARROW
    for truth, (left, width), fill in zip((True, False), _columns(), (TRUE, FALSE), strict=True):
        turn, away = left + width / 2, -1 if truth else 1
        sheet.arrow((middle + away * half, y), (turn, y), (turn, end))
        said = t(f"terminal.flow.{'yes' if truth else 'no'}")
        why = t(f"terminal.flow.{'marked' if truth else 'unmarked'}")
        x, anchor = middle + away * (half + 12), "end" if truth else "start"
        sheet.write(x, y - 26, [said], size=15, bold=True, fill=fill, anchor=anchor)
        sheet.write(x, y - 9, [why], size=12.5, fill=SOFT, anchor=anchor)
    return end


def _columns() -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the left edge and the width of either lane."""
    room = WIDTH - 2 * MARGIN - GAP
    wide = room * 0.66
    return (MARGIN, wide), (MARGIN + wide + GAP, room - wide)


def _lanes(sheet: _Sheet, flow: Flow, t: Translations, top: float) -> float:
    both = tuple(zip(lanes(flow), _columns(), strict=True))
    # Drawn once to learn how tall the lanes are, then again on panels of the same height.
    bottom = max(_lane(_Sheet([]), flow, t, lane, (*column, top)) for lane, column in both) + PAD
    for lane, (left, width) in both:
        sheet.box(left, top, width, bottom - top, TRUE_PANEL if lane.evaluate else FALSE_PANEL, round=12)
        _lane(sheet, flow, t, lane, (left, width, top))
    return bottom


def _lane(sheet: _Sheet, flow: Flow, t: Translations, lane: Lane, place: tuple[float, float, float]) -> float:
    left, width, y = place
    x, inner = left + PAD, width - 2 * PAD
    colour = TRUE if lane.evaluate else FALSE
    heading = _wrap(t(f"fact.{flow.strategic.id}.{str(lane.evaluate).lower()}"), inner, 14, bold=True)
    y = sheet.write(x, y + PAD + 12, heading, size=14, bold=True, fill=colour) + 2
    steps = {question.id: place for place, question in enumerate(lane.questions)}
    skips = [edge for edge in edges(flow) if edge.end in steps and steps.get(edge.start, 99) < steps[edge.end] - 1]
    wide = inner - (GUTTER if skips else 0)
    feet: dict[str, tuple[float, float]] = {}
    for place_, question in enumerate(lane.questions):
        card = _card(flow, t, question, wide)
        if place_:
            y = _down(sheet, flow, t, (lane.questions[place_ - 1].id, question.id), (x + wide / 2, y))
        card.draw(sheet, x, y, wide, card.height)
        feet[question.id] = (y, y + card.height)
        y += card.height
    for edge in skips:
        _skip(sheet, flow, t, edge, (x + wide, feet[edge.start][1] - 22, feet[edge.end][0] + 22))
    return _outcomes(sheet, flow, t, lane, (x, inner, y, wide))


def _down(sheet: _Sheet, flow: Flow, t: Translations, ends: tuple[str, str], start: tuple[float, float]) -> float:
    """Draw the edge from one card to the one below, with the options that take it; return where that one begins."""
    x, y = start
    edge = next((edge for edge in edges(flow) if (edge.start, edge.end) == ends), None)
    sheet.arrow((x, y), (x, y + ARROW - 2))
    if edge and edge.options:
        said = options_in_words(flow, t, edge.start, edge.options)
        sheet.write(x + 12, y + ARROW / 2 + 4, [said], size=12, fill=SOFT)
    return y + ARROW


def _skip(sheet: _Sheet, flow: Flow, t: Translations, edge: Edge, place: tuple[float, float, float]) -> None:
    x, start, end = place
    sheet.arrow((x, start), (x + 18, start), (x + 18, end), (x + 2, end))
    lines = _wrap(options_in_words(flow, t, edge.start, edge.options), GUTTER - 16, 12)
    sheet.write(x + 26, (start + end) / 2 - 8 * len(lines) + 12, lines, size=12, fill=SOFT)


# --- Outcomes -----------------------------------------------------------------------------------------------------


def _outcomes(
    sheet: _Sheet, flow: Flow, t: Translations, lane: Lane, place: tuple[float, float, float, float]
) -> float:
    """Draw a lane's outcomes, in a row where it is wide and below each other where it is not."""
    x, inner, top, wide = place
    middle = x + wide / 2
    if inner < 450:
        return _stacked(sheet, flow, t, lane, (x, inner, top))
    # The more ways lead to an outcome, the wider it is, so that all come out about as tall.
    weights = [1 + 0.4 * len(cases(flow, outcome.when)) for outcome in lane.outcomes]
    share = (inner - GAP * (len(weights) - 1)) / sum(weights)
    plates = [_plate(flow, t, outcome, share * weight) for outcome, weight in zip(lane.outcomes, weights, strict=True)]
    height, y = max(plate.height for plate in plates), top + ARROW + 12
    for plate, weight in zip(plates, weights, strict=True):
        centre = x + share * weight / 2
        centre = middle if abs(centre - middle) < PAD else centre
        plate.draw(sheet, x, y, share * weight, height, TRUE if lane.evaluate else FALSE)
        sheet.arrow((middle, top), (middle, top + 16), (centre, top + 16), (centre, y - 2))
        x += share * weight + GAP
    return y + height


def _stacked(sheet: _Sheet, flow: Flow, t: Translations, lane: Lane, place: tuple[float, float, float]) -> float:
    """Draw outcomes below each other, along a rail."""
    x, inner, top = place
    y, rail = top + GAP, x + 10
    for outcome in lane.outcomes:
        plate = _plate(flow, t, outcome, inner - RAIL)
        plate.draw(sheet, x + RAIL, y, inner - RAIL, plate.height, TRUE if lane.evaluate else FALSE)
        sheet.arrow((rail, top), (rail, y + plate.head / 2), (x + RAIL - 2, y + plate.head / 2))
        y += plate.height + GAP
    return y - GAP


@dataclass(frozen=True, slots=True)
class _Plate:
    """An outcome laid out for a width: its title, and each way that leads to it."""

    title: list[str]
    ways: list[list[str]]

    @property
    def head(self) -> float:
        return 18.0 * len(self.title) + 20

    @property
    def height(self) -> float:
        return self.head + 16 * sum(map(len, self.ways)) + 7 * len(self.ways) + 14

    def draw(self, sheet: _Sheet, x: float, y: float, w: float, h: float, colour: str) -> None:
        sheet.box(x, y, w, h, colour, colour)
        sheet.parts.append(
            f'<path d="M{x:g} {y + self.head:g}h{w:g}v{h - self.head - 9:g}a9 9 0 0 1-9 9h{18 - w:g}a9 9 0 0 1-9-9z"'
            f' fill="{PAPER}" stroke="{colour}"/>'
        )
        sheet.write(x + 14, y + 23, self.title, size=13.5, bold=True, fill=PAPER)
        base = y + self.head + 20
        for way in self.ways:
            sheet.write(x + 14, base, ["•"], size=12, fill=colour)
            base = sheet.write(x + 26, base, way, size=12) + 7


def _plate(flow: Flow, t: Translations, outcome: Outcome, width: float) -> _Plate:
    title = _wrap(t(f"outcome.{outcome.id}.title"), width - 28, 13.5, bold=True)
    return _Plate(title, [_wrap(way, width - 40, 12) for way in in_words(flow, t, outcome.when)])
