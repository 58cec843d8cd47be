"""Weight initialization, from the symmetry argument to the paper's experiments.

The modules are named by concept and data flows one way: `rules` and `activations` state the
laws, `derivation` proves them, `init` draws weights, `shapeset` and `datasets` give examples,
`network` and `training` learn from them, `figures` shows what happened.
"""

__version__ = "0.1.0"
