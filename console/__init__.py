"""The researchers' side: the admin site, its pages, forms and charts, logging in, and the root of the API. No logic."""
