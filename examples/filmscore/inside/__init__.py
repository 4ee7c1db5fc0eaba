"""Looking and listening inside a model: what drives its units, and which parts of a track speak for a genre."""
