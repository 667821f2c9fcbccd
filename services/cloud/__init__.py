"""The only door to AWS: settings, clients, clock, secrets, registry, and what queue and stream functions share."""
