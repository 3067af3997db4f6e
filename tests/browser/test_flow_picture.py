"""The picture of the flow in a browser, with fonts of different widths."""

import os

import pytest
from playwright.async_api import Browser

from dialogs.community_flow import FLOW
from dialogs.diagram.svg import svg
from dialogs.translations import languages, translations

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]
SHOTS = os.environ.get("SCREENSHOTS")
FONTS = ("Helvetica, Arial, Liberation Sans, sans-serif", "DejaVu Sans", "Verdana", "monospace", "serif")

# Each text with the smallest shape around its anchor; those that leave it. Lengths are in pixels.
OUTSIDE = """
(family) => {
  const picture = document.querySelector("svg");
  picture.setAttribute("font-family", family);
  const shapes = [...picture.querySelectorAll("rect, path, polygon")].filter((shape) => !shape.closest("defs"));
  const boxes = shapes.map((shape) => shape.getBBox()).sort((a, b) => a.width - b.width);
  return [...picture.querySelectorAll("text")].flatMap((text) => {
    const [x, y] = ["x", "y"].map((name) => Number(text.getAttribute(name)));
    const around = (box) => box.x <= x && x <= box.x + box.width && box.y <= y && y <= box.y + box.height;
    const box = boxes.find(around);
    const { x: left, width } = text.getBBox();
    return left >= box.x && left + width <= box.x + box.width ? [] : [text.textContent];
  });
}
"""

# Texts whose width in the picture differs by more than 8 % from the one in this font.
STRETCHED = """
(family) => {
  document.querySelector("svg").setAttribute("font-family", family);
  return [...document.querySelectorAll("text")].flatMap((text) => {
    const width = Number(text.getAttribute("textLength"));
    text.removeAttribute("textLength");
    return Math.abs(width / text.getBBox().width - 1) > 0.08 ? [text.textContent] : [];
  });
}
"""


@pytest.mark.parametrize("language", languages())
async def test_no_text_leaves_its_box(browser: Browser, language: str) -> None:
    page = await browser.new_page(viewport={"width": 1060, "height": 1400})
    await page.set_content(svg(FLOW, translations(language)))
    for font in FONTS:
        assert await page.evaluate(OUTSIDE, font) == [], font
        if SHOTS:
            await page.screenshot(path=f"{SHOTS}/flow-{language}-{font.split(',')[0]}.png", full_page=True)
    # In the font that is measured, no text is stretched or compressed visibly.
    assert await page.evaluate(STRETCHED, "Liberation Sans") == []
