"""Sign-in, sessions and tokens of the SDK."""
