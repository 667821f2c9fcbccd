"""What crosses a boundary: inbound messages, result events, code lists, identifiers. Pure: no AWS, no clock, no state."""
