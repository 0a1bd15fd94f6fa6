"""Other proxies, each with the least configuration that makes the comparison fair."""

from . import apache, haproxy, squid, tinyproxy

__all__ = ["apache", "haproxy", "squid", "tinyproxy"]
