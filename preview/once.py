"""What an object works out once and keeps.

Not ``functools.cached_property``: before Python 3.12 that has one lock for all objects, held while one of
them works, or waits for the database; of two hundred pages one after another then waited for it.
"""

from werkzeug.utils import cached_property as once

__all__ = ["once"]
