"""Registries from files: what a sheet says, what of it can be registered, and how it gets into the stack."""
