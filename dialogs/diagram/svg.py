"""A flow as one SVG picture: the questions always asked, the fact, and a lane for each value of the fact.

The layout is made here, without tools or fonts. Each text has the width that it has in Helvetica, also where another
font replaces it, so that no text leaves its box. The picture has its own background, so it is readable on light and
dark pages.
"""

from dataclasses import dataclass
from html import escape
from unicodedata import combining, normalize

from dialogs.diagram.graph import Edge, Lane, always_asked, cases, describe, describe_options, edges, lanes
from dialogs.flow import Flow, Outcome, Question
from dialogs.presenter import option_label
from dialogs.translations import Translations

# Lengths are in pixels.
WIDTH = 1040.0
MARGIN, PADDING, GAP = 28.0, 16.0, 16.0
ARROW, RAIL = 30.0, 30.0
GUTTER = 100.0
"""Space beside the boxes of a lane for edges that skip a box."""
_LANES = WIDTH - 2 * MARGIN - GAP
TRUE_COLUMN = (MARGIN, _LANES * 0.66)
FALSE_COLUMN = (MARGIN + _LANES * 0.66 + GAP, _LANES - _LANES * 0.66)
"""The left edge and the width of each lane."""

INK, SOFT, LINE, PAPER, PANEL = "#1b2430", "#52606d", "#9aa5b1", "#ffffff", "#f3f5f7"
TRUE, TRUE_PANEL, FALSE, FALSE_PANEL = "#0b6e5c", "#e6f4f0", "#8a5a00", "#fbf3e2"

_ADVANCES = {
    222: "ijl'’|",
    278: "ftI.,:;!/[]·\u0020\u00a0\u202f",
    333: "r()-“”",
    350: "•",
    500: "ckJsvxyz",
    584: "+=<>",
    611: "FTZ",
    667: "ABEKPSVXY&",
    722: "wCDHNRU",
    778: "GOQ",
    833: "mM★",
    944: "Wœ",
    1000: "—…",
}
"""Widths of letters in Helvetica, Arial and Liberation Sans, in thousandths of the font size. All others have 556."""
_EMS = {letter: advance / 1000 for advance, letters in _ADVANCES.items() for letter in letters}


def svg(flow: Flow, t: Translations) -> str:
    """Return the picture as an SVG document."""
    picture = _Picture(flow, t)
    title = t("announcement.title")
    picture.write(WIDTH / 2, MARGIN + 20, [title], size=21, bold=True, anchor="middle")
    bottom = _always_asked(picture, MARGIN + 44)
    bottom = _fact(picture, bottom)
    height = _lanes(picture, bottom) + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}"'
        f' height="{height:g}" role="img" lang="{t.language}"'
        ' font-family="Helvetica, Arial, &quot;Liberation Sans&quot;, sans-serif">\n'
        f"<title>{escape(title)}</title>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{SOFT}"/></marker></defs>\n'
        f'<rect width="{WIDTH:g}" height="{height:g}" rx="14" fill="{PAPER}"/>\n'
        + "\n".join(picture.elements)
        + "\n</svg>\n"
    )


# --- Text and shapes ----------------------------------------------------------------------------------------------


def _width(text: str, size: float, *, bold: bool = False) -> float:
    em = sum(_EMS.get(letter, 0.556) for letter in normalize("NFD", text) if not combining(letter))
    return em * size * (1.07 if bold else 1)


def _wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Break `text` at spaces into lines of at most `width`. A longer word has a line for itself."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip(" ")
        if lines[-1] and _width(longer, size, bold=bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


class _Picture:
    """Collects the elements of the picture, from back to front."""

    def __init__(self, flow: Flow, t: Translations) -> None:
        self.flow = flow
        self.t = t
        self.elements: list[str] = []

    def box(self, x: float, y: float, w: float, h: float, fill: str, line: str = "none", *, radius: float = 9) -> None:
        self.elements.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{radius:g}" fill="{fill}" stroke="{line}"/>'
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
        """Write lines, the first on the baseline `y`. Return the baseline of the next line."""
        weight = ' font-weight="bold"' if bold else ""
        for line in lines:
            width = _width(line, size, bold=bold)
            self.elements.append(
                f'<text x="{x:g}" y="{y:g}" font-size="{size:g}"{weight} fill="{fill}" text-anchor="{anchor}"'
                f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs">{escape(line)}</text>'
            )
            y += round(size * 1.36)
        return y

    def arrow(self, *points: tuple[float, float]) -> None:
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.elements.append(
            f'<polyline points="{path}" fill="none" stroke="{SOFT}" stroke-width="1.6" marker-end="url(#head)"/>'
        )


# --- Boxes: laid out for a width, then added ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _QuestionBox:
    """A question: its name, its text, and rows of pills (label, width, marked), one pill per option."""

    name: list[str]
    text: list[str]
    pills: list[list[tuple[str, float, bool]]]

    @property
    def height(self) -> float:
        return PADDING + 19 * len(self.name) + 17 * len(self.text) + 8 + 30 * len(self.pills) + PADDING - 10

    def add_to(self, picture: _Picture, x: float, y: float, w: float, h: float) -> None:
        picture.box(x, y, w, h, PAPER, LINE)
        baseline = picture.write(x + PADDING, y + PADDING + 11, self.name, size=14, bold=True)
        picture.write(x + PADDING, baseline, self.text, size=12.5, fill=SOFT)
        # Pills are at the bottom, so that they are aligned in a row of boxes.
        top = y + h - PADDING + 6 - 30 * len(self.pills)
        for row in self.pills:
            left = x + PADDING
            for label, width, marked in row:
                fill, line, ink = (TRUE, TRUE, PAPER) if marked else (PAPER, LINE, INK)
                picture.box(left, top, width, 24, fill, line, radius=12)
                picture.write(left + width / 2, top + 16.5, [label], size=12, bold=marked, fill=ink, anchor="middle")
                left += width + 6
            top += 30


def _question_box(picture: _Picture, question: Question, width: float) -> _QuestionBox:
    t, flow = picture.t, picture.flow
    # An option is marked if it alone makes the fact true.
    marked = [case for case in cases(flow, flow.strategic.condition) if len(case) == 1]
    rows: list[list[tuple[str, float, bool]]] = [[]]
    free = inner = width - 2 * PADDING
    for option in question.options:
        mark = any(option in case.get(question.id, ()) for case in marked)
        label = ("★ " if mark else "") + option_label(t, question.id, option)
        pill_width = _width(label, 12, bold=mark) + 20
        if rows[-1] and pill_width > free:
            rows.append([])
            free = inner
        rows[-1].append((label, pill_width, mark))
        free -= pill_width + 6
    name = _wrap(t(f"question.{question.id}.short"), inner, 14, bold=True)
    return _QuestionBox(name, _wrap(t(f"question.{question.id}.text"), inner, 12.5), rows)


@dataclass(frozen=True, slots=True)
class _OutcomeBox:
    """An outcome: its title, and each set of answers that leads to it."""

    title: list[str]
    conditions: list[list[str]]

    @property
    def title_height(self) -> float:
        return 18.0 * len(self.title) + 20

    @property
    def height(self) -> float:
        return self.title_height + 16 * sum(map(len, self.conditions)) + 7 * len(self.conditions) + 14

    def add_to(self, picture: _Picture, x: float, y: float, w: float, h: float, color: str) -> None:
        picture.box(x, y, w, h, color, color)
        top = self.title_height
        picture.elements.append(
            f'<path d="M{x:g} {y + top:g}h{w:g}v{h - top - 9:g}a9 9 0 0 1-9 9h{18 - w:g}a9 9 0 0 1-9-9z"'
            f' fill="{PAPER}" stroke="{color}"/>'
        )
        picture.write(x + 14, y + 23, self.title, size=13.5, bold=True, fill=PAPER)
        baseline = y + top + 20
        for lines in self.conditions:
            picture.write(x + 14, baseline, ["•"], size=12, fill=color)
            baseline = picture.write(x + 26, baseline, lines, size=12) + 7


def _outcome_box(picture: _Picture, outcome: Outcome, width: float) -> _OutcomeBox:
    title = _wrap(picture.t(f"outcome.{outcome.id}.title"), width - 28, 13.5, bold=True)
    conditions = describe(picture.flow, picture.t, outcome.when)
    return _OutcomeBox(title, [_wrap(condition, width - 40, 12) for condition in conditions])


# --- The parts of the picture, from top to bottom. Each takes its top and returns its bottom. ---------------------


def _always_asked(picture: _Picture, top: float) -> float:
    questions = always_asked(picture.flow)
    width = (WIDTH - 2 * MARGIN - 2 * PADDING - GAP * (len(questions) - 1)) / len(questions)
    boxes = [_question_box(picture, question, width) for question in questions]
    height = max(box.height for box in boxes)
    picture.box(MARGIN, top, WIDTH - 2 * MARGIN, height + 2 * PADDING + 26, PANEL, radius=12)
    heading = picture.t("terminal.flow.always")
    picture.write(MARGIN + PADDING, top + PADDING + 10, [heading], size=14, bold=True, fill=SOFT)
    x, y = MARGIN + PADDING, top + PADDING + 26
    for box in boxes:
        box.add_to(picture, x, y, width, height)
        if box is not boxes[0]:
            picture.arrow((x - GAP + 1, y + 24), (x - 1, y + 24))
        x += width + GAP
    return y + height + PADDING


def _fact(picture: _Picture, top: float) -> float:
    t, fact = picture.t, picture.flow.strategic
    middle, y = WIDTH / 2, top + ARROW + 44
    label = t(f"terminal.flow.{fact.id}")
    half = _width(label, 15, bold=True) / 2 + 40
    picture.arrow((middle, top), (middle, y - 44))
    points = f"{middle - half:g},{y:g} {middle:g},{y - 42:g} {middle + half:g},{y:g} {middle:g},{y + 42:g}"
    picture.elements.append(f'<polygon points="{points}" fill="{PAPER}" stroke="{INK}" stroke-width="1.8"/>')
    picture.write(middle, y + 5, [label], size=15, bold=True, anchor="middle")
    bottom = y + 42 + ARROW
    for (left, width), side, color, anchor, answer, reason in (
        (TRUE_COLUMN, -1, TRUE, "end", "yes", "marked"),
        (FALSE_COLUMN, 1, FALSE, "start", "no", "unmarked"),
    ):
        x = left + width / 2
        picture.arrow((middle + side * half, y), (x, y), (x, bottom))
        text_x = middle + side * (half + 12)
        picture.write(text_x, y - 26, [t(f"terminal.flow.{answer}")], size=15, bold=True, fill=color, anchor=anchor)
        picture.write(text_x, y - 9, [t(f"terminal.flow.{reason}")], size=12.5, fill=SOFT, anchor=anchor)
    return bottom


def _lanes(picture: _Picture, top: float) -> float:
    both = tuple(zip(lanes(picture.flow), (TRUE_COLUMN, FALSE_COLUMN), strict=True))
    # Lay out each lane on a scratch picture first: the panel behind it comes before it and needs the common height.
    scratch = _Picture(picture.flow, picture.t)
    bottom = max(_lane(scratch, lane, left, width, top) for lane, (left, width) in both) + PADDING
    for lane, (left, width) in both:
        picture.box(left, top, width, bottom - top, TRUE_PANEL if lane.value else FALSE_PANEL, radius=12)
        _lane(picture, lane, left, width, top)
    return bottom


def _lane(picture: _Picture, lane: Lane, left: float, width: float, top: float) -> float:
    fact, color = picture.flow.strategic, TRUE if lane.value else FALSE
    x, inner = left + PADDING, width - 2 * PADDING
    heading = _wrap(picture.t(f"fact.{fact.id}.{str(lane.value).lower()}"), inner, 14, bold=True)
    y = picture.write(x, top + PADDING + 12, heading, size=14, bold=True, fill=color) + 2
    order = [question.id for question in lane.questions]
    within = [edge for edge in edges(picture.flow) if edge.start in order and edge.end in order]
    skipping = [edge for edge in within if order.index(edge.end) > order.index(edge.start) + 1]
    box_width = inner - (GUTTER if skipping else 0)
    tops: dict[str, float] = {}
    bottoms: dict[str, float] = {}
    for number, question in enumerate(lane.questions):
        box = _question_box(picture, question, box_width)
        if number:
            edge = next((edge for edge in within if (edge.start, edge.end) == (order[number - 1], question.id)), None)
            y = _edge_down(picture, edge, x + box_width / 2, y)
        box.add_to(picture, x, y, box_width, box.height)
        tops[question.id], bottoms[question.id] = y, y + box.height
        y += box.height
    for edge in skipping:
        _edge_beside(picture, edge, x + box_width, bottoms[edge.start] - 22, tops[edge.end] + 22)
    if inner < 450:
        return _outcomes_below(picture, lane.outcomes, x, inner, y, color)
    return _outcomes_in_row(picture, lane.outcomes, x, inner, y, x + box_width / 2, color)


def _edge_down(picture: _Picture, edge: Edge | None, x: float, y: float) -> float:
    picture.arrow((x, y), (x, y + ARROW - 2))
    if edge and edge.options:
        label = describe_options(picture.flow, picture.t, edge.start, edge.options)
        picture.write(x + 12, y + ARROW / 2 + 4, [label], size=12, fill=SOFT)
    return y + ARROW


def _edge_beside(picture: _Picture, edge: Edge, x: float, start: float, end: float) -> None:
    picture.arrow((x, start), (x + 18, start), (x + 18, end), (x + 2, end))
    lines = _wrap(describe_options(picture.flow, picture.t, edge.start, edge.options), GUTTER - 16, 12)
    picture.write(x + 26, (start + end) / 2 - 8 * len(lines) + 12, lines, size=12, fill=SOFT)


def _outcomes_in_row(
    picture: _Picture, outcomes: tuple[Outcome, ...], x: float, width: float, top: float, middle: float, color: str
) -> float:
    # An outcome with more conditions is wider, so that all have about the same height.
    weights = [1 + 0.4 * len(cases(picture.flow, outcome.when)) for outcome in outcomes]
    share = (width - GAP * (len(weights) - 1)) / sum(weights)
    widths = [share * weight for weight in weights]
    boxes = [_outcome_box(picture, outcome, width) for outcome, width in zip(outcomes, widths, strict=True)]
    height, y = max(box.height for box in boxes), top + ARROW + 12
    for box, box_width in zip(boxes, widths, strict=True):
        center = x + box_width / 2
        center = middle if abs(center - middle) < PADDING else center
        box.add_to(picture, x, y, box_width, height, color)
        picture.arrow((middle, top), (middle, top + 16), (center, top + 16), (center, y - 2))
        x += box_width + GAP
    return y + height


def _outcomes_below(
    picture: _Picture, outcomes: tuple[Outcome, ...], x: float, width: float, top: float, color: str
) -> float:
    y, rail = top + GAP, x + 10
    for outcome in outcomes:
        box = _outcome_box(picture, outcome, width - RAIL)
        box.add_to(picture, x + RAIL, y, width - RAIL, box.height, color)
        arrow_y = y + box.title_height / 2
        picture.arrow((rail, top), (rail, arrow_y), (x + RAIL - 2, arrow_y))
        y += box.height + GAP
    return y - GAP
