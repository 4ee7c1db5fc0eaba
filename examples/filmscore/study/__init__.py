"""The study: every model on the same folds of the corpus, judged with intervals.

`models` says what is compared, `folds` which tracks train and which test. `trials` trains one model on one fold and
keeps its values, and `judging` makes figures of them. `../../filmscore_report.py` runs it all and writes RESULTS.md.
"""
