"""Redis and RQ: the bell, the jobs behind it, the workers that hear it, and the embedded Redis."""
