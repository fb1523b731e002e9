"""How an embedding space is shaped: measures on arrays, each with a plot."""
