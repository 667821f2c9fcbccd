"""What things cost: a model of AWS that counts, and the benchmark on it."""
