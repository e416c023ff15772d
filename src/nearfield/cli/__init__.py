"""The command line: ``nearfield``, or ``nf`` for short.

Exit codes
----------
====  =================================================================
0     done
1     failed for another reason that the message states
2     wrong usage: an unknown option, a bad value, a missing folder
3     done, but some files could not be read (only with ``--strict``)
4     a model is unknown, not installed, damaged or not the right one
5     a collection is missing, locked, full, read-only or damaged
130   interrupted; what was committed stays
====  =================================================================
"""

from nearfield.cli.main import main

__all__ = ["main"]
