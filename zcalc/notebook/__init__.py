"""What zcalc shows in a notebook."""
