"""Sign in, ask, and watch a live book, with the Cadenza SDK.

    cadenza up                                   # in another terminal; it prints a ready user
    CADENZA_EMAIL=... CADENZA_PASSWORD=... python examples/quickstart.py

Against other parts, set SUPABASE_URL, SUPABASE_ANON_KEY and CADENZA_WS_URL as well. Ends with 0 only if everything that
came is right.
"""

import asyncio
import os
from decimal import Decimal

import cadenza
from cadenza import MemorySessionStore, Venue

BOOKS = 5


async def main() -> None:
    """The whole story."""
    async with asyncio.timeout(30), cadenza.connect(session_store=MemorySessionStore()) as api:
        session = await api.auth.sign_in_with_password(os.environ["CADENZA_EMAIL"], os.environ["CADENZA_PASSWORD"])
        print("signed in as", session.email)

        tickers = await api.market.tickers.list(venue=Venue.PAPER)
        print("tickers", *(f"{ticker.symbol}={ticker.last_price}" for ticker in tickers))
        assert tickers

        seen = 0
        async with api.market.order_books.watch("PAPER:BTC/USDT") as books:
            async for book in books:  # always a whole, correct book
                bid, ask = Decimal(book.bids[0][0]), Decimal(book.asks[0][0])
                print("book", books.sequence, bid, ask)
                assert bid < ask
                seen += 1
                if seen == BOOKS:
                    break

        await api.auth.sign_out()
        assert api.auth.session is None
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
