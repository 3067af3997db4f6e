"""Events that Slack sends by itself."""

from adapters.slack import app_home, typed_text
from adapters.slack.context import Context
from adapters.slack.installations import Installations
from adapters.slack.request import IncomingRequest, candidate_tenants, get_object, get_text


async def happened(context: Context, request: IncomingRequest, credentials: Installations) -> None:
    """Any event. Those that are nothing to us are only acknowledged."""
    event = get_object(request.body, "event")
    match get_text(event, "type"):
        case "app_mention":
            await typed_text.mention(context, request)
        case "message":
            await typed_text.direct(context, request)
        case "app_home_opened" if get_text(event, "tab") == "home":
            context.later(app_home.publish(context, request, await context.actor(request)))
        case "tokens_revoked":
            revoked = get_object(event, "tokens").get("bot")
            if revoked:
                await _gone(context, request, credentials)
        case "app_uninstalled":
            await _gone(context, request, credentials)


async def _gone(context: Context, request: IncomingRequest, credentials: Installations) -> None:
    """A workspace has left: its token goes at once, the rest when the retention says so."""
    tenant = request.tenant or next(candidate_tenants(request.body), "")
    await credentials.delete(tenant)
    await context.application.mark_tenant_removed(tenant)
