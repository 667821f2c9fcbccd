"""The Ledger's stream in, exact counts out. A score item holds counts only; every rate is computed when it is read."""
