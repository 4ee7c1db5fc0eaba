"""Estimators in the manner of scikit-learn: a network with what it takes to train it, and bagged ensembles of them."""
