"""The sounds of ESC-10: clips, features, classifiers and the table in which they are judged (`examples/esc10.py`)."""
