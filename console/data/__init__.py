"""A project's data, as they read: lists that the address narrows, and one row whole."""
