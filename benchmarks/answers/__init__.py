"""Answers to SQuAD's questions: found, right, supported, withheld; and what each step takes.

Half of the articles teach the weights of :mod:`nearfield.rag.evidence`; figures are of the others.
"""

from benchmarks.answers.command import main

__all__ = ["main"]
