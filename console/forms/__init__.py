"""The forms of a project's pages, by subject. A form parses; its ``perform`` calls one function of an app and holds no
logic, and returns the run it started, or None where the change is done at once.
"""
