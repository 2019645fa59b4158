"""The typed resources: ``api.market.tickers.list(...)``, one file a noun.

Above: the user. Below: ``ports`` of this package, implemented by the client.
"""

from cadenza.client.resources.market import MarketResource
from cadenza.client.resources.system import SystemResource

__all__ = ["MarketResource", "SystemResource"]
