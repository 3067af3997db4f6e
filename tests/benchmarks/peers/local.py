# Its libraries are in an environment of their own.
# mypy: ignore-errors
"""What the peers of Teams have in common: the card they answer with, and Microsoft's addresses turned to the stand-in.

That is all that is changed of Microsoft's libraries: where their requests go. Each is still made, as often, as they
make it; the stand-in answers at once where Microsoft takes a tenth of a second.
"""

import json
import os
from pathlib import Path

APP = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
TENANT = "1a1b2c3d-4e5f-6789-abcd-ef0123456789"
ISSUER = "https://api.botframework.com"
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
STAND_IN = os.environ.get("STAND_IN", "")
METADATA = f"{STAND_IN}/openid"


def card():
    return json.loads(Path(os.environ["CARD"]).read_text())


def redirect():
    """Let what `requests` asks of Microsoft (MSAL's tokens) go to the stand-in."""
    import requests

    usual = requests.Session.request

    def request(self, method, url, *arguments, **named):
        return usual(self, method, url.replace("https://login.microsoftonline.com", STAND_IN), *arguments, **named)

    requests.Session.request = request
