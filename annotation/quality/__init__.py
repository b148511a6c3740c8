"""How far people agree and what their habits are: totals kept up to date, and what is read from them."""
