"""Result events out: into the feed, once each, and to everyone who subscribed."""
