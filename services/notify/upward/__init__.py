"""Reporting to the level above: what is reported, in whose format, and what was said to it."""
