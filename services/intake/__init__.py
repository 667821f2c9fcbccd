"""Messages in, every one accounted for: accepted, duplicate, parked, or refused with a reason."""
