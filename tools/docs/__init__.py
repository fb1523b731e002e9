"""What builds the documentation: the site's hooks and the page of command-line options."""
