"""The experiments of Glorot & Bengio (2010), run again: their configurations, records and verdicts.

It imports `xavier`, and chapters 7 and 10 to 15 import it. To use the library one does not need it.
"""
