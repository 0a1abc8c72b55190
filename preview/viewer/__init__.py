"""OHIF, where images are read: links to it, and what its archive holds."""
