"""Texts as sequences of tokens."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, repeat
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import _param_validation

from fastnn.preprocessing.padding import cut
from fastnn.utils.plain_numbers import Interval
from fastnn.utils.sequences import Sequences, starts_of

PADDING, UNKNOWN, START = 0, 1, 2
_NAMES = ["[PAD]", "[UNK]", "[START]"]

# What a CountVectorizer makes the tokens of a text by.
_ANALYSIS = [
    *("input", "encoding", "decode_error", "strip_accents", "lowercase"),
    *("preprocessor", "tokenizer", "stop_words", "token_pattern", "ngram_range"),
    "analyzer",
]
_SHARED = [*_ANALYSIS, "max_df", "min_df", "vocabulary"]


class SequenceVectorizer(  # type: ignore[call-arg]
    TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    r"""Turn texts into sequences of tokens, in the order in which they stand.

    Tokens are found as scikit-learn's :class:`CountVectorizer
    <sklearn.feature_extraction.text.CountVectorizer>` finds them, and numbered by how
    often they occur: the most frequent word is the first of the vocabulary. What comes
    out is as long as its text, an array of integers for each, as an ``Embedding`` reads
    it: `fit` and `predict` of ``NeuralNetClassifier`` and ``NeuralNetRegressor`` take
    the list as their X.

    A few numbers are no words: 0 is for padding, which never occurs here, 1 stands for
    every word that is not in the vocabulary, and 2 is what sequences begin with where
    ``start_token=True``. Words have the numbers from 2 on, or from 3 on. A text without
    any token, such as "", is a single 1, or the start token alone: no sequence is
    empty.

    Parameters
    ----------
    max_tokens : int or None, default=20000
        The highest number of different tokens, those that are no words counted as
        well: enough for ``Embedding(max_tokens, ...)``. The most frequent words are
        kept; of equally frequent ones the first by alphabet. None keeps all. Ignored
        if a vocabulary is given.
    max_length : int or None, default=None
        The highest length of a sequence, the start token counted as well. None cuts
        nothing off.
    truncating : {"post", "pre"}, default="post"
        Where longer ones lose tokens: their end, so that the beginning is kept, or
        their beginning. A start token stays.
    start_token : bool, default=False
        Whether sequences begin with the token 2.
    input : {"content", "filename", "file"}, default="content"
        Whether X holds texts, names of files or open files.
    encoding : str, default="utf-8"
        Of bytes and of files.
    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What happens to bytes that are no characters of this encoding.
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        How accents are removed; None keeps them.
    lowercase : bool, default=True
        Whether all letters are made small before texts are cut into tokens.
    preprocessor : callable or None, default=None
        Takes the place of ``strip_accents`` and ``lowercase``: a function from a text
        to a text.
    tokenizer : callable or None, default=None
        Takes the place of ``token_pattern``: a function from a text to a list of
        tokens.
    stop_words : {"english"}, list of str or None, default=None
        Words that are left out.
    token_pattern : str, default=r"(?u)\b\w\w+\b"
        What a token is, as a regular expression: by default at least two letters or
        digits. ``r"\w+|[^\w\s]"`` keeps short words and punctuation too.
    ngram_range : tuple of int, default=(1, 1)
        The shortest and longest runs of words, or of characters, that are tokens. As in
        scikit-learn all runs of a length stand behind those of the length before.
    analyzer : {"word", "char", "char_wb"} or callable, default="word"
        Whether tokens are words or characters (the last: of words by themselves), or a
        function from a text to a list of tokens, in place of all of the above but
        ``input``, ``encoding`` and ``decode_error``.
    min_df : int or float, default=1
        The least number of texts, or share of them, that a word of the vocabulary
        occurs in. Ignored if a vocabulary is given.
    max_df : int or float, default=1.0
        The highest number of texts, or share of them, that a word of the vocabulary
        occurs in. Ignored if a vocabulary is given.
    vocabulary : iterable of str, mapping or None, default=None
        The words in the order of their numbers, or a mapping from words to numbers such
        as the ``vocabulary_`` of another vectorizer. None learns it.

    Attributes
    ----------
    vocabulary_ : dict
        Numbers of the words.
    n_tokens_ : int
        How many different tokens there are, those that are no words counted as well:
        the length of an embedding's table.

    See Also
    --------
    pad_sequences : Sequences of one length, as an array.
    multi_hot : Which tokens occur, as a sparse matrix.
    sklearn.feature_extraction.text.TfidfVectorizer : Weighted counts of words, without
        their order.

    Examples
    --------
    >>> from fastnn.preprocessing import SequenceVectorizer
    >>> texts = ["The cat saw the dog.", "The dog ran!", "Rain"]
    >>> vectorizer = SequenceVectorizer(max_tokens=6)
    >>> vectorizer.fit_transform(texts)
    [array([2, 4, 1, 2, 3], dtype=int32), array([2, 3, 1], dtype=int32),
     array([5], dtype=int32)]
    >>> vectorizer.get_feature_names_out().tolist()
    ['[PAD]', '[UNK]', 'the', 'dog', 'cat', 'rain']
    """

    _parameter_constraints: ClassVar[dict] = {
        "max_tokens": [Interval(Integral, 1, None, closed="left"), None],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "truncating": [_param_validation.StrOptions({"post", "pre"})],
        "start_token": ["boolean"],
        **{name: CountVectorizer._parameter_constraints[name] for name in _SHARED},
    }

    def __init__(
        self,
        max_tokens: int | None = 20_000,
        max_length: int | None = None,
        *,
        truncating: str = "post",
        start_token: bool = False,
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        strip_accents: str | Callable | None = None,
        lowercase: bool = True,
        preprocessor: Callable | None = None,
        tokenizer: Callable | None = None,
        stop_words: str | list | None = None,
        token_pattern: str | None = r"(?u)\b\w\w+\b",
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: str | Callable = "word",
        min_df: float = 1,
        max_df: float = 1.0,
        vocabulary: Mapping | Iterable | None = None,
    ):
        self.max_tokens = max_tokens
        self.max_length = max_length
        self.truncating = truncating
        self.start_token = start_token
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.strip_accents = strip_accents
        self.lowercase = lowercase
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.stop_words = stop_words
        self.token_pattern = token_pattern
        self.ngram_range = ngram_range
        self.analyzer = analyzer
        self.min_df = min_df
        self.max_df = max_df
        self.vocabulary = vocabulary

    def build_analyzer(self) -> Callable[[Any], Sequence]:
        """Return the function that makes a list of tokens of a text.

        Returns
        -------
        analyzer : callable
            That of a ``CountVectorizer`` with the same parameters.
        """
        options = {name: getattr(self, name) for name in _ANALYSIS}
        return CountVectorizer(**options).build_analyzer()

    def fit(self, X: Iterable, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : iterable of str
            Texts, or what ``input`` says.
        y : None
            Ignored.

        Returns
        -------
        self : SequenceVectorizer

        Raises
        ------
        ValueError
            If a parameter is not valid, X is no iterable of texts, or no word is left.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Iterable, y: Any = None) -> list[NDArray[np.int32]]:
        """Learn the vocabulary and return the sequences, faster than one by one.

        Parameters
        ----------
        X : iterable of str
            Texts, or what ``input`` says.
        y : None
            Ignored.

        Returns
        -------
        sequences : list of ndarray of shape (n_steps,), int32
            One for each text.

        Raises
        ------
        ValueError
            If a parameter is not valid, X is no iterable of texts, or no word is left.
        """
        self._check_parameters()
        if self.vocabulary is not None:
            self._adopt_vocabulary()
            return self.transform(X)
        numbers: defaultdict[Any, int] = defaultdict()
        numbers.default_factory = numbers.__len__
        found = self._read(X, lambda tokens: map(numbers.__getitem__, tokens))
        words = list(numbers)
        table = np.full(len(words), UNKNOWN, np.int32)
        chosen = self._chosen(words, found)
        first = self._n_reserved
        table[chosen] = np.arange(first, first + len(chosen))
        self.vocabulary_ = {words[i]: n for n, i in enumerate(chosen.tolist(), first)}
        return self._finished(Sequences(table[found.values], found.starts))

    def transform(self, X: Iterable) -> list[NDArray[np.int32]]:
        """Turn texts into sequences of tokens.

        Parameters
        ----------
        X : iterable of str
            Texts, or what ``input`` says.

        Returns
        -------
        sequences : list of ndarray of shape (n_steps,), int32
            One for each text.

        Raises
        ------
        NotFittedError
            If there is no vocabulary yet.
        ValueError
            If X is no iterable of texts.
        """
        known = self._known().get
        found = self._read(X, lambda tokens: map(known, tokens, repeat(UNKNOWN)))
        return self._finished(found)

    def inverse_transform(self, X: Iterable) -> list[NDArray]:
        """Turn sequences of tokens back into words.

        Parameters
        ----------
        X : list of array-like of int, or array-like of shape (n_samples, length)
            Sequences, padded or not.

        Returns
        -------
        tokens : list of ndarray of object
            Words in their order, "[UNK]" where one was not known. Padding and start
            tokens are left out.

        Raises
        ------
        NotFittedError
            If there is no vocabulary yet.
        ValueError
            If X holds anything but numbers of tokens.
        """
        names = self.get_feature_names_out()
        reserved = [PADDING, START] if self.start_token else [PADDING]
        decoded = []
        for number, sequence in enumerate(X):
            tokens = np.asarray(sequence)
            valid = tokens.ndim == 1 and (tokens.dtype.kind in "iu" or not tokens.size)
            if not valid or not np.all((tokens >= 0) & (tokens < len(names))):
                raise ValueError(
                    "X must hold sequences of the vectorizer's tokens, integers from 0 "
                    f"to {len(names) - 1}, got {sequence!r} as X[{number}]."
                )
            tokens = tokens.astype(np.intp)
            decoded.append(names[tokens[~np.isin(tokens, reserved)]])
        return decoded

    def get_feature_names_out(self, input_features: Any = None) -> NDArray:
        """What each number stands for.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (n_tokens_,), object
            "[PAD]", "[UNK]", "[START]" if sequences begin with it, and the words.

        Raises
        ------
        NotFittedError
            If there is no vocabulary yet.
        """
        known = self._known()
        names = np.empty(self.n_tokens_, object)
        names[: self._n_reserved] = _NAMES[: self._n_reserved]
        # One by one: a token may be a tuple, which NumPy would take for a row.
        for word, number in known.items():
            names[number] = word
        return names

    @property
    def n_tokens_(self) -> int:
        """How many different tokens there are."""
        return self._n_reserved + len(self._known())

    @property
    def _n_reserved(self) -> int:
        return START + bool(self.start_token)

    def _known(self) -> dict:
        """The vocabulary; a given one need not be fitted."""
        if not hasattr(self, "vocabulary_"):
            if self.vocabulary is None:
                raise NotFittedError(
                    "This SequenceVectorizer has no vocabulary yet: call fit with "
                    "texts first, or pass vocabulary=."
                )
            self._check_parameters()
            self._adopt_vocabulary()
        return self.vocabulary_

    def _check_parameters(self) -> None:
        self._validate_params()
        bounds = self.ngram_range
        if len(bounds) != 2 or not 1 <= bounds[0] <= bounds[1]:
            raise ValueError(
                "ngram_range must be the lengths of the shortest and the longest runs, "
                f"such as (1, 2), got {bounds!r}."
            )
        least = self._n_reserved + 1
        if self.max_tokens is not None and self.max_tokens < least:
            raise ValueError(
                f"max_tokens must be at least {least}: {least - 1} tokens are no words "
                f"({', '.join(_NAMES[: least - 1])}). Got {self.max_tokens!r}."
            )

    def _adopt_vocabulary(self) -> None:
        given, first = self.vocabulary, self._n_reserved
        if isinstance(given, str):
            raise ValueError(
                f"vocabulary must be an iterable of words or a mapping, got {given!r}."
            )
        if isinstance(given, Mapping):
            words = dict(given)
            if sorted(words.values()) != list(range(first, first + len(words))):
                raise ValueError(
                    "vocabulary must give words the numbers from "
                    f"{first} to {first + len(words) - 1}, each once, because the "
                    f"first {first} are no words ({', '.join(_NAMES[:first])}). Got "
                    f"{given!r:.100}. The words alone will do, in the order of their "
                    "numbers: sorted(vocabulary, key=vocabulary.get)."
                )
        else:
            assert given is not None
            in_order = sorted(given) if isinstance(given, set | frozenset) else given
            words = {}
            for number, word in enumerate(in_order, first):
                if words.setdefault(word, number) != number:
                    raise ValueError(f"vocabulary has the word {word!r} twice.")
        if not words:
            raise ValueError("vocabulary must have a word at least, got none.")
        self.vocabulary_ = words

    def _read(
        self, X: Iterable, numbers_of: Callable[[Sequence], Iterable[int]]
    ) -> Sequences:
        """Numbers of the tokens of all texts."""
        shape = getattr(X, "shape", (0,))
        if isinstance(X, str | bytes) or len(shape) != 1:
            kind = "a single one" if isinstance(X, str | bytes) else f"shape {shape}"
            raise ValueError(
                f"X must be an iterable of texts, got {kind}. Pass a list of texts, or "
                "one column of a table, such as frame['text']."
            )
        analyze = self.build_analyzer()
        numbers: list[int] = []
        ends = [0]
        for place, text in enumerate(X):
            try:
                numbers.extend(numbers_of(analyze(text)))
            except (AttributeError, TypeError) as error:
                if self.input != "content" or isinstance(text, str | bytes):
                    raise  # what a function of the user's has to say
                raise ValueError(
                    f"X must hold texts, got {text!r:.100} as X[{place}]. Fill in what "
                    "is missing, for example by ''."
                ) from error
            ends.append(len(numbers))
        return Sequences(np.array(numbers, np.int32), np.array(ends, np.intp))

    def _chosen(self, words: list, found: Sequences) -> NDArray[np.intp]:
        """Places of the words to keep, the most frequent first."""
        if not words:
            raise ValueError(
                "X has no tokens at all: its texts are empty, or hold stop words only. "
                "Look at what vectorizer.build_analyzer() makes of one."
            )
        order = np.array(sorted(range(len(words)), key=words.__getitem__), np.intp)
        counts = np.bincount(found.values, minlength=len(words))
        order = order[np.argsort(-counts[order], kind="stable")]
        n_texts = len(found)
        least, most = (
            bound if isinstance(bound, Integral) else bound * n_texts
            for bound in (self.min_df, self.max_df)
        )
        if least > most:
            raise ValueError(
                f"max_df={self.max_df!r} of {n_texts} texts are fewer than "
                f"min_df={self.min_df!r}: no word is in both."
            )
        if least > 1 or most < n_texts:
            shape = n_texts, len(words)
            ones = np.ones(len(found.values), np.int8)
            parts = ones, found.values, found.starts
            occurs = sparse.csr_matrix(parts, shape, copy=True)  # sorted in place
            occurs.sum_duplicates()
            texts = np.bincount(occurs.indices, minlength=len(words))[order]
            order = order[(least <= texts) & (texts <= most)]
            if not len(order):
                raise ValueError(
                    f"no word is in at least min_df={self.min_df!r} and at most "
                    f"max_df={self.max_df!r} of the {n_texts} texts. Lower min_df or "
                    "raise max_df."
                )
        if self.max_tokens is None:
            return order
        return order[: self.max_tokens - self._n_reserved]

    def _finished(self, found: Sequences) -> list[NDArray[np.int32]]:
        """Sequences cut to their length, with a token in front where one is due."""
        start = bool(self.start_token)
        if self.max_length is not None:
            found = cut(found, self.max_length - start, self.truncating)
        lengths = found.lengths
        has_front = np.full(len(found), True) if start else lengths == 0
        starts = starts_of(lengths + has_front)
        is_front = np.zeros(starts[-1], bool)
        is_front[starts[:-1][has_front]] = True
        tokens = np.full(starts[-1], START if start else UNKNOWN, np.int32)
        tokens[~is_front] = found.values
        return [tokens[begin:end] for begin, end in pairwise(starts.tolist())]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = self.vocabulary is None
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "vocabulary_") or self.vocabulary is not None
