"""From a point in CLIP space to a sentence: zerocap (the paper's method), search, retrieve."""
