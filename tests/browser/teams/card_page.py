"""A page that shows an Adaptive Card as Teams does: Microsoft's renderer with the sizes and colors of Teams."""

from typing import Any

from playwright.async_api import Browser, Page

from tests.npm import packages

WIDTH = 500
"""Width of a card in pixels, with its padding."""
_PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; font-family: "Segoe UI", Arial, sans-serif; }
.ac-actionSet { flex-wrap: wrap; row-gap: 8px; }
.ac-pushButton { height: 32px; padding: 0 12px; border-radius: 4px; font: 600 14px "Segoe UI", Arial; color: inherit;
    border: 1px solid #8a8886; background: none; }
.ac-pushButton.style-positive { color: #fff; background: #5b5fc7; border-color: #5b5fc7; }
</style><div id="card"></div>"""
_COLORS = {
    "light": ("#ffffff", "#f5f5f5", "#e0e0e0", "#252423", "#616161", "#5b5fc7", "#835c00"),
    "dark": ("#292929", "#1f1f1f", "#4a4a4a", "#ffffff", "#adadad", "#9299f7", "#f8d22a"),
}
_SHOW = """([card, config, background, ink, width]) => {
    const renderer = new AdaptiveCards.AdaptiveCard();
    renderer.hostConfig = new AdaptiveCards.HostConfig(config);
    renderer.parse(card);
    const place = document.getElementById("card");
    place.style.width = `${width}px`;
    place.style.color = ink;
    document.body.style.background = background;
    place.replaceChildren(renderer.render());
    return place.getBoundingClientRect().height;
}"""


def host_config(theme: str) -> dict[str, Any]:
    """Return the renderer's settings with the sizes of Teams on a desktop."""
    background, emphasis, line, ink, quiet, accent, warning = _COLORS[theme]
    colors = {
        "default": {"default": ink, "subtle": quiet},
        "accent": {"default": accent, "subtle": accent},
        "warning": {"default": warning, "subtle": warning},
    }
    styles = {"default": background, "emphasis": emphasis, "accent": emphasis}
    return {
        "fontFamily": "'Segoe UI', Arial, sans-serif",
        "fontSizes": {"small": 12, "default": 14, "medium": 16, "large": 18, "extraLarge": 24},
        "lineHeights": {"small": 16, "default": 20, "medium": 22, "large": 24, "extraLarge": 32},
        "spacing": {"small": 8, "default": 12, "medium": 16, "large": 20, "extraLarge": 24, "padding": 16},
        "separator": {"lineThickness": 1, "lineColor": line},
        "containerStyles": {
            name: {"backgroundColor": color, "foregroundColors": colors} for name, color in styles.items()
        },
        "actions": {
            "maxActions": 6,
            "spacing": "default",
            "buttonSpacing": 8,
            "actionsOrientation": "horizontal",
            "actionAlignment": "left",
        },
    }


async def open_page(browser: Browser) -> Page:
    page = await browser.new_page(viewport={"width": 640, "height": 500})
    await page.set_content(_PAGE)
    script = packages("adaptivecards@3.0.5") / "node_modules/adaptivecards/dist/adaptivecards.js"
    await page.add_script_tag(path=script)
    return page


async def show(page: Page, card: dict[str, Any], *, theme: str = "light", width: int = WIDTH) -> float:
    """Show a card. Return its height in pixels."""
    background, _, _, ink, *_ = _COLORS[theme]
    return float(await page.evaluate(_SHOW, [card, host_config(theme), background, ink, width]))
