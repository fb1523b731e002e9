"""Shared fixtures: everything here is real (files, pictures, the embedded models)."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
