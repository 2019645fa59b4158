"""Decimal text and the integers behind it: a venue counts in ticks and lots, the edge speaks decimals.

Above: ``book``, ``simulated_market``. Below: nothing. No float, no rounding: what does not fit is an error.
"""

import msgspec


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """So many digits after the point; one unit is ``10 ** -digits``."""

    digits: int

    def text(self, units: int) -> str:
        """Write a number of units: ``text(123)`` at two digits is ``"1.23"``. Never an exponent."""
        digits = self.digits
        if not digits:
            return str(units)
        text = str(units if units >= 0 else -units).zfill(digits + 1)
        sign = "" if units >= 0 else "-"
        return f"{sign}{text[:-digits]}.{text[-digits:]}"

    def units(self, text: str) -> int:
        """Read decimal text exactly.

        Raises:
            ValueError: Not a plain decimal, or finer than one unit.
        """
        sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
        whole, point, rest = digits.partition(".")
        fine = rest[self.digits :]
        if not (whole.isascii() and whole.isdigit()) or (point and not (rest.isascii() and rest.isdigit())):
            raise ValueError("not a plain decimal number")
        if fine.strip("0"):
            raise ValueError(f"finer than {self.digits} digits")
        return sign * int(whole + rest[: self.digits].ljust(self.digits, "0"))
