"""Does a test notice when a line of the write path is wrong? See ``__main__``."""
