"""What `zcalc bench` measures."""
