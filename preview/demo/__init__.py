"""A whole hospital for demonstrations and tests: phantoms, studies, and archives that can misbehave."""
