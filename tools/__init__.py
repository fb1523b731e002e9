"""Tools for the repository that are not part of the package."""
