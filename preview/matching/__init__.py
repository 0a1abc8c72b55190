"""Whose studies are whose: what was decided about identities, what is doubted still, and who decides."""
