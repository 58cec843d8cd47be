"""Every claim of the paper, of notes about it, and of this book, with the judge that decides it.

Ids are S for notes on the paper and on initialization, P for the paper, C for this book and D for
papers since; they stay. `glorot2010.verdicts.ledger` judges them.
"""

# In this order they are listed.
from glorot2010.verdicts import notes as notes  # isort: skip
from glorot2010.verdicts import sections_2_3 as sections_2_3  # isort: skip
from glorot2010.verdicts import sections_4_5 as sections_4_5  # isort: skip
from glorot2010.verdicts import book as book  # isort: skip
from glorot2010.verdicts import since_edge as since_edge  # isort: skip
from glorot2010.verdicts import since_directions as since_directions  # isort: skip
from glorot2010.verdicts import since_mend as since_mend  # isort: skip
from glorot2010.verdicts import since_wide as since_wide  # isort: skip
from glorot2010.verdicts.claim import CLAIMS as CLAIMS  # isort: skip
