"""Answers from retrieved passages, with citations that are checked."""
