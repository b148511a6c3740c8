"""The forms of annotation: they parse what a browser sends, and say in plain words what is missing."""
