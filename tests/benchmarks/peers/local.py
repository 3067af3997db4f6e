# Its libraries are in an environment of their own.
# mypy: ignore-errors
"""Shared by the peers for Teams: the card they send, and the redirection of Microsoft's URLs to the simulator.

Only the URLs of Microsoft's libraries are changed. They make the same requests as always. The simulator responds at
once where Microsoft takes a tenth of a second.
"""

import json
import os
from pathlib import Path

APP = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
TENANT = "1a1b2c3d-4e5f-6789-abcd-ef0123456789"
ISSUER = "https://api.botframework.com"
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
SIMULATOR = os.environ.get("SIMULATOR", "")
METADATA = f"{SIMULATOR}/openid"


def card():
    return json.loads(Path(os.environ["CARD"]).read_text())


def redirect():
    """Send requests to Microsoft by `requests` (MSAL's tokens) to the simulator."""
    import requests

    original = requests.Session.request

    def request(self, method, url, *arguments, **named):
        return original(self, method, url.replace("https://login.microsoftonline.com", SIMULATOR), *arguments, **named)

    requests.Session.request = request
