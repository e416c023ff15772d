"""Post-mortem: for each question that failed, the stage that lost the answer, with evidence.

==============  ==========================================================================
``cause``       the causes, in the order in which they are looked for, and their remedies
``report``      what comes out: failures with ranks at every stage, counts by cause
``answers``     which passages answer a question
``experiments`` what the model did not read, does not know, or saw in two halves
``examine``     :func:`postmortem`
==============  ==========================================================================
"""

from nearfield.evaluation.postmortem.cause import Cause
from nearfield.evaluation.postmortem.examine import postmortem
from nearfield.evaluation.postmortem.report import Failure, PostMortem, Ranks

__all__ = ["Cause", "Failure", "PostMortem", "Ranks", "postmortem"]
