"""Selection: an experiment on your own files that ends in a decision."""
