"""Sound files: decoded in blocks, with an account of what is missing from them."""
