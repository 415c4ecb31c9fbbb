"""Seeds that found something once, and what.

The drawing may change, and a seed then means another case: what it found has a test of
its own where a reader looks for it.
"""

SEEDS = {
    23: "layers=2.5 of a network was an error that named nothing",
    265: "a key of a sparse DOK matrix that is no pair",
    382: "a saved model without one of its parameters",
    608: "a metric of probabilities, of a hinge loss that has none",
    1862: "a saved note of which parameters had been checked, damaged",
    1895: "n_jobs that is no integer, at predict",
    1933: "y of records against classes that are numbers",
}
