"""Questions without labels: made from the documents themselves, with their answers known.

==============  ==========================================================================
``questions``   what comes out: a task, where each answer stands, what was rejected
``draft``       one question on trial: what it asks, and what is taken out of its document
``titles``      a title asks for its body
``sentences``   a sentence asks for the passage that it was taken out of
``headings``    a heading asks for its section
``generated``   a language model asks about a passage
``passages``    which passages hold which words of the questions
``triviality``  questions that would tell no system from another
``generate``    the way from documents to questions
==============  ==========================================================================
"""

from nearfield.selection.queries.generate import generate
from nearfield.selection.queries.questions import Kind, Questions, Reject, Span

__all__ = ["Kind", "Questions", "Reject", "Span", "generate"]
