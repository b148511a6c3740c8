"""The Python client (client/), and what makes the two of its files that nobody writes by hand."""
