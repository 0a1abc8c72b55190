"""What is known and held of studies, read from the database for pages."""
