"""Figures, not tests: what is measured is printed, with the machine it was measured on."""
