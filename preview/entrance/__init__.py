"""The ways in: who is asking, for which patient, and the keys that prove it."""
