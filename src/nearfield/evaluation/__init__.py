"""Evaluation: judged tasks, runs, metrics, and whether differences mean anything."""
