"""Other proxies, each with the smallest configuration for a fair comparison."""

from . import apache, haproxy, squid, tinyproxy

__all__ = ["apache", "haproxy", "squid", "tinyproxy"]
