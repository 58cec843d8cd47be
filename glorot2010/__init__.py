"""The experiments of Glorot & Bengio (2010), run again: their configurations, records and verdicts.

It imports `xavier`, and the book imports both. To use the library one does not need it.
"""
