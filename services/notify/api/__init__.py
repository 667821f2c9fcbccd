"""The HTTPS door of notify: the feed, subscriptions, and the Ledger in bulk."""
