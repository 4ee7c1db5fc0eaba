"""What `benchmarks/run.py` stands on: subjects, the peers they are measured against, and how measuring is done."""
