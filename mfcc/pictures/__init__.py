"""Pictures of a recording and its features. Needs matplotlib."""
