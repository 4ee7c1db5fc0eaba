"""Looking and listening inside a model: what its units respond to, and what speaks for a genre where in a track."""
