"""HTK: what its HCopy computes, its configuration files, and its parameter files."""
