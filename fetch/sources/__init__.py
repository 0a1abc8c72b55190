"""One module a protocol: the border where statuses and flags become results or typed errors."""
