"""Folders of features: recordings are extracted over processes, put together, and read by every script."""

from filmscore.features.folder import Features, FeaturesError, load_features

__all__ = ["Features", "FeaturesError", "load_features"]
