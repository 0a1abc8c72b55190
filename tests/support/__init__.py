"""The test bed of real parts: archives, Redis, an installation, a browser."""
