"""Rendering: an `Answer` as HTML, as text in a terminal, as JSON, and as a contact sheet."""
