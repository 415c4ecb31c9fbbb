"""Seeds that found something once, and what.

The drawing may change, and a seed then means another case: what it found has a test of
its own where a reader looks for it.
"""

SEEDS = {
    7126773: "a regularizer that is no number, of a bias that is not there",
    5177347: "a saved history without the loss",
    2179671: "averages that begin after more epochs than int64 holds",
    1173064: "a saved EarlyStopping whose best value is no number",
    1288697: "statistics of averaged weights that float32 cannot hold",
    1007051: "a saved model for samples without an axis",
    1064850: "as many threads as a step has operations",
    1096336: "a sum that leaves float32, behind it a sigmoid",
    1111461: "a copy of a network whose layers are a number",
    200272: "a saved model without one of its parameters, at fit",
    200484: "a metric of probabilities, of a loss that has none",
    200744: "a saved model without one of its parameters, at predict",
    200763: "a key of a sparse DOK matrix that is no pair",
    201025: "a saved note of which parameters had been checked, damaged",
    213962: "target_columns of a custom loss beyond all integers of a plan",
    216025: "a saved model with a network that has lost its layers",
    7000364: "a saved model of no inputs at all",
}
