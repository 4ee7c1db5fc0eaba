"""Networks: layers in order, their plan and its fusion, batches cut into shards, parameters, and attribution."""
