"""The command line `python -m mfcc`: its options, and recordings turned into files of features."""
