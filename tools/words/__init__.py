"""The word lists in languages other than English: `python -m tools.words` writes them."""
