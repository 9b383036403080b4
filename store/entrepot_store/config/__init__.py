"""`entrepot.toml`: what a user may set, how it is read, and what is refused."""

from .credential import CredentialConfig, LoginConfig
from .load import load_settings
from .products import ProductConfig
from .reload import Reloader, needs_restart
from .rule import DocumentConfig, KeepConfig, RedactConfig, RuleConfig
from .settings import ApiSettings, ProxySettings, ReverseListener, S3Settings, Settings, SpoolSettings

__all__ = [
    "ApiSettings",
    "CredentialConfig",
    "DocumentConfig",
    "KeepConfig",
    "LoginConfig",
    "ProductConfig",
    "ProxySettings",
    "RedactConfig",
    "Reloader",
    "ReverseListener",
    "RuleConfig",
    "S3Settings",
    "Settings",
    "SpoolSettings",
    "load_settings",
    "needs_restart",
]
