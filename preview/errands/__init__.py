"""Background errands: wanting one, the right to work on it, doing it, and what it writes down."""
