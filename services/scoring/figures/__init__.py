"""What is computed from counts when it is read: indicators, rankings, coverage, the index, signals, root causes."""
