"""Settings of the Teams adapter. The defaults are Microsoft's public cloud."""

from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class TeamsSettings:
    """`app_type`: ``SingleTenant`` or ``UserAssignedMSI``. `allowed_tenants`: who may use the app; empty: its tenant.

    `resource`: what the app's token is for. `token_issuer`: of Microsoft's own tokens, whose keys are
    found by `openid_metadata_url`. `login_url`: issues the app's token.

    `allow_unauthenticated`: accept requests without a token, for the local playground. It has no effect with an app id.
    """

    app_id: str = ""
    app_password: str | None = None
    app_type: str = "SingleTenant"
    tenant_id: str = ""
    resource: str = "https://api.botframework.com"
    token_issuer: str = "https://api.botframework.com"  # noqa: S105 - an address
    openid_metadata_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    login_url: str = "https://login.microsoftonline.com"
    service_url_hosts: tuple[str, ...] = ("smba.trafficmanager.net",)
    allow_unauthenticated: bool = False
    allowed_tenants: tuple[str, ...] = ()

    @property
    def unauthenticated(self) -> bool:
        """Whether requests are accepted without a token."""
        return self.allow_unauthenticated and not self.app_id

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants that may use the app; empty: all."""
        if self.unauthenticated:
            return frozenset(self.allowed_tenants)
        return frozenset(self.allowed_tenants or (self.tenant_id,)) - {""}

    @property
    def hosts(self) -> frozenset[str]:
        """The allowed hosts of service URLs."""
        local = LOOPBACK if self.unauthenticated else ()
        return frozenset(host.lower() for host in (*self.service_url_hosts, *local))
