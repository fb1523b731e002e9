"""In a notebook: magics with completion, and widgets."""
