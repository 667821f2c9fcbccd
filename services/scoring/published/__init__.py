"""Results of months, quarters and years: what they say, as files that never change, and when they are published."""
