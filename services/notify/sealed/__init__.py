"""The sealed Ledger: what may leave intake of its entries, in files that nobody can alter unseen, day by day."""
