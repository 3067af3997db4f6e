"""Everything taken from Microsoft's Bot Framework SDK for Python. No other file imports it.

The SDK is archived, so that it must be easy to replace. Used are `ActivityHandler`, which calls a method for each
activity type, `TurnContext`, and the names of the types. The context holds our `IncomingRequest` in place of the SDK's
`Activity`, and nothing is sent through it. Not used are the SDK's adapter and its connector client: an empty turn of
its `CloudAdapter` reaches 91 requests/s, its types with the client in `connector.py` 851 with a reply. The SDK also
answers 500 to every invoke with a body, because it serializes the body twice.
"""

from botbuilder.core import ActivityHandler, TurnContext
from botbuilder.schema import ActivityTypes

__all__ = ["ActivityHandler", "ActivityTypes", "TurnContext"]
