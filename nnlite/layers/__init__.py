"""Layers: frozen descriptions, one family a file."""
