"""Supabase Auth's environment variables as settings of this provider, so that one file configures either.

Above: ``cli.identity``, the generated reference. Below: ``config``.
"""

from cadenza.identity.environment.dotenv import read_env_file
from cadenza.identity.environment.reading import EnvironmentReading, read_environment

__all__ = ["EnvironmentReading", "read_env_file", "read_environment"]
