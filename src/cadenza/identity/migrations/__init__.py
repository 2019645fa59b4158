"""The layouts of the identity database, oldest first. Alembic runs them; ``migrate`` knows when it has to.

A new revision is a file in ``versions`` and a name at the end of ``REVISIONS``; a test holds the two together.
"""

from typing import Final

#: Every revision there has been.
REVISIONS: Final = ("0001", "0002", "0003")
#: The one this version of Cadenza reads and writes.
HEAD: Final = REVISIONS[-1]
