"""What a person runs to measure; CONTRIBUTING.md lists it."""
