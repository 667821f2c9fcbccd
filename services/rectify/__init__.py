"""Bad ratings in, cases with deadlines out. Decisions are pure; the store keeps head, history and command outcome together."""
