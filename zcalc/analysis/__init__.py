"""What verbs compute besides words, pictures and captions."""
