"""What surrounds every answer: the server's settings, headers, compression, the browser's libraries."""
