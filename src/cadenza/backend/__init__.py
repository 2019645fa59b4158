"""The backend: serves the gateway's proxies, owns what Cadenza's methods mean, and feeds the market channels."""
