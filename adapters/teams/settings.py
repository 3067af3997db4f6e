"""What the Teams adapter must be told. The defaults are Microsoft's public cloud."""

from dataclasses import dataclass

from dialogs.translations import language_for_locale, languages

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class TeamsSettings:
    """`app_type`: ``SingleTenant`` or ``UserAssignedMSI``. `allowed_tenants`: who may use it; empty: its own tenant.

    `allow_unauthenticated` lets anyone in, for the local playground, and counts only where there is no app id.
    """

    app_id: str = ""
    app_password: str | None = None
    app_type: str = "SingleTenant"
    tenant_id: str = ""
    token_issuer: str = "https://api.botframework.com"  # noqa: S105 - an address
    openid_metadata_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    login_url: str = "https://login.microsoftonline.com"
    service_url_hosts: tuple[str, ...] = ("smba.trafficmanager.net",)
    allow_unauthenticated: bool = False
    allowed_tenants: tuple[str, ...] = ()

    @property
    def unauthenticated(self) -> bool:
        """Whether requests are let in without a token."""
        return self.allow_unauthenticated and not self.app_id

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants that may use it; empty: all."""
        if self.unauthenticated:
            return frozenset(self.allowed_tenants)
        return frozenset(self.allowed_tenants or (self.tenant_id,)) - {""}

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that may stand in a service URL."""
        own = LOOPBACK if self.unauthenticated else ()
        return frozenset(host.lower() for host in (*self.service_url_hosts, *own))


def language_of(locale: str | None) -> str:
    """Return the language of an activity's locale; the default where it has none."""
    return language_for_locale(locale) or languages()[0]
