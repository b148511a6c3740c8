"""Texts of strangers: shown safely, with what one cannot see made visible, and with the models that they name."""
