"""The geometry of an embedding space: measures on arrays, each with a table and a plot."""
