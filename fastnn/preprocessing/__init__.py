"""What becomes of texts, classes and series before a network reads them.

Texts become sequences of tokens, numbers of words (`SequenceVectorizer`); sequences
become arrays of one length (`pad_sequences`) or rows that say which tokens occur
(`multi_hot`), integers rows with a single one (`to_categorical`), and a series windows
with what follows them (`sliding_windows`). Nothing here knows a network.
"""

from fastnn.preprocessing.encoding import multi_hot, to_categorical
from fastnn.preprocessing.padding import pad_sequences
from fastnn.preprocessing.vectorizer import SequenceVectorizer
from fastnn.preprocessing.windows import sliding_windows

__all__ = [
    "SequenceVectorizer",
    "multi_hot",
    "pad_sequences",
    "sliding_windows",
    "to_categorical",
]
