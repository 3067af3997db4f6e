"""Settings of the adapter, and the scopes it asks for."""

from dataclasses import dataclass

SCOPES = (
    "app_mentions:read",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "groups:read",
    "im:history",
    "im:write",
    "users:read",
)
"""Required scopes; ``deploy/slack/README.md`` says why each is needed."""
OPTIONAL_SCOPES = ("channels:history", "groups:history")
"""Without these the app cannot look for a post whose response was lost, and asks the person."""


@dataclass(frozen=True)
class SlackSettings:
    """`bot_token` for one workspace, or `client_id` and `client_secret` for many; `app_token` for Socket Mode.

    `public_url`: of this server, without a slash at the end.
    """

    signing_secret: str
    bot_token: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    app_token: str | None = None
    api_url: str = "https://slack.com/api/"
    public_url: str | None = None

    def __repr__(self) -> str:
        return f"SlackSettings(api_url={self.api_url!r}, public_url={self.public_url!r})"

    @property
    def authorize_url(self) -> str:
        """Slack's page where an administrator approves an installation."""
        return f"{self.api_url.rstrip('/').removesuffix('/api')}/oauth/v2/authorize"
