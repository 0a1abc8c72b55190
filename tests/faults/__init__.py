"""The fault suite: everything breaks, one part after the other, and nothing that was wanted is lost."""
