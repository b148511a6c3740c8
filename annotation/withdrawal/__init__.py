"""Data taken back: erased from rows and files, and followed to what later stages made of it."""
