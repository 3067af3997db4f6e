"""Events that Slack sends by itself."""

from adapters.slack import home, talk
from adapters.slack.credentials import Credentials
from adapters.slack.desk import Desk
from adapters.slack.hearing import Heard, part, tenants, text


async def happened(desk: Desk, heard: Heard, credentials: Credentials) -> None:
    """Any event. Those that are nothing to us are only acknowledged."""
    event = part(heard.body, "event")
    match text(event, "type"):
        case "app_mention":
            await talk.mention(desk, heard)
        case "message":
            await talk.direct(desk, heard)
        case "app_home_opened" if text(event, "tab") == "home":
            desk.later(home.publish(desk, heard, await desk.actor(heard)))
        case "tokens_revoked":
            revoked = part(event, "tokens").get("bot")
            if revoked:
                await _gone(desk, heard, credentials)
        case "app_uninstalled":
            await _gone(desk, heard, credentials)


async def _gone(desk: Desk, heard: Heard, credentials: Credentials) -> None:
    """A workspace has left: its token goes at once, the rest when the retention says so."""
    tenant = heard.tenant or next(tenants(heard.body), "")
    await credentials.delete(tenant)
    await desk.advisor.forget_tenant(tenant)
