"""Texts become sequences of tokens, found as scikit-learn finds them."""

import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import (
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from fastnn.preprocessing import SequenceVectorizer, multi_hot

TEXTS = [
    "A film to see: the film of the year.",
    "the worst of the year",
    "",
    "See it, SEE it! Café",
]


def lists(sequences):
    return [each.tolist() for each in sequences]


def test_words_are_numbered_by_how_often_they_occur():
    vectorizer = SequenceVectorizer()
    sequences = vectorizer.fit_transform(TEXTS)
    assert vectorizer.vocabulary_ == {
        **{"the": 2, "see": 3},
        **{"film": 4, "it": 5, "of": 6, "year": 7},  # twice each, by alphabet
        **{"café": 8, "to": 9, "worst": 10},
    }
    assert lists(sequences) == [
        *([4, 9, 3, 2, 4, 6, 2, 7], [2, 10, 6, 2, 7]),
        *([1], [3, 5, 3, 5, 8]),
    ]
    assert {each.dtype for each in sequences} == {np.dtype(np.int32)}
    assert vectorizer.n_tokens_ == 11
    assert list(vectorizer.get_feature_names_out()[:3]) == ["[PAD]", "[UNK]", "the"]
    assert lists(vectorizer.transform(TEXTS)) == lists(sequences)
    assert lists(vectorizer.transform(["the best film"])) == [[2, 1, 4]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[2, 1, 2, 3], [1], [3]]),
        ({"max_length": 2}, [[2, 1], [1], [3]]),
        ({"max_length": 2, "truncating": "pre"}, [[2, 3], [1], [3]]),
        ({"start_token": True, "max_tokens": 5}, [[2, 3, 1, 3, 4], [2], [2, 4]]),
        (
            {"start_token": True, "max_tokens": 5, "max_length": 3}
            | {"truncating": "pre"},
            [[2, 3, 4], [2], [2, 4]],
        ),
        ({"start_token": True, "max_tokens": 5, "max_length": 1}, [[2], [2], [2]]),
    ],
    ids=str,
)
def test_lengths_and_what_stands_in_front(options, expected):
    vectorizer = SequenceVectorizer(**{"max_tokens": 4} | options)
    assert lists(vectorizer.fit_transform(["aa cc aa bb", "!", "bb"])) == expected


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lowercase": False},
        {"strip_accents": "unicode", "stop_words": "english"},
        {"token_pattern": r"\w+|[^\w\s]"},
        {"tokenizer": str.split, "token_pattern": None},
        {"preprocessor": str.upper},
        {"analyzer": "char", "ngram_range": (1, 3)},
        {"analyzer": "char_wb", "ngram_range": (3, 3)},
        {"analyzer": str.split},
        {"ngram_range": (1, 2)},
        {"min_df": 2},
        {"min_df": 0.5, "max_df": 0.5},
        {"max_df": 1},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Your stop_words")
def test_tokens_are_those_of_count_vectorizer(options):
    theirs = CountVectorizer(**options)
    counts = theirs.fit_transform(TEXTS)
    ours = SequenceVectorizer(max_tokens=None, **options)
    sequences = ours.fit_transform(TEXTS)
    assert ours.vocabulary_.keys() == theirs.vocabulary_.keys()
    names = theirs.get_feature_names_out()
    for row, tokens in zip(counts, ours.inverse_transform(sequences), strict=True):
        found = Counter(token for token in tokens if token != "[UNK]")
        assert found == dict(zip(names[row.indices], row.data, strict=True))
    # The order is that of the analyzer.
    analyze = theirs.build_analyzer()
    for text, tokens in zip(TEXTS, ours.inverse_transform(sequences), strict=True):
        known = [word for word in analyze(text) if word in ours.vocabulary_]
        assert [token for token in tokens if token != "[UNK]"] == known
    frequencies = dict(zip(names, np.asarray(counts.sum(axis=0)).ravel(), strict=True))
    order = sorted(frequencies, key=lambda word: (-frequencies[word], word))
    assert list(ours.vocabulary_) == order


def test_bytes_and_files_are_read(tmp_path):
    paths = [tmp_path / f"{number}.txt" for number in range(len(TEXTS))]
    for path, text in zip(paths, TEXTS, strict=True):
        path.write_bytes(text.encode("latin1"))
    expected = lists(SequenceVectorizer().fit_transform(TEXTS))
    latin = SequenceVectorizer(encoding="latin1")
    assert lists(latin.fit_transform([path.read_bytes() for path in paths])) == expected
    latin.set_params(input="filename")
    assert lists(latin.fit_transform(paths)) == expected
    latin.set_params(input="file")
    files = [path.open("rb") for path in paths]
    assert lists(latin.fit_transform(files)) == expected
    for file in files:
        file.close()
    with pytest.raises(UnicodeDecodeError):
        SequenceVectorizer().fit(path.read_bytes() for path in paths)


@pytest.mark.parametrize(
    "kind", [list, tuple, iter, pd.Series, lambda texts: np.array(texts, object)]
)
def test_texts_may_be_in_any_container(kind):
    expected = lists(SequenceVectorizer().fit_transform(TEXTS))
    assert lists(SequenceVectorizer().fit_transform(kind(TEXTS))) == expected


def test_tokens_of_another_library_may_be_given():
    tokens = [["b", ("a", 1)], [], ["b"]]
    vectorizer = SequenceVectorizer(analyzer=lambda each: each)
    vectorizer.fit(iter([["b", "a"], [], ["b"]]))
    assert lists(vectorizer.transform(tokens)) == [[2, 1], [1], [2]]


def test_a_vocabulary_may_be_given():
    fitted = SequenceVectorizer(start_token=True).fit(TEXTS)
    expected = lists(fitted.transform(TEXTS))
    in_order = list(fitted.get_feature_names_out()[3:])
    for vocabulary in (fitted.vocabulary_, in_order, iter(in_order)):
        given = SequenceVectorizer(start_token=True, vocabulary=vocabulary)
        assert lists(given.transform(TEXTS)) == expected
    given = SequenceVectorizer(vocabulary={"year", "film"}, max_tokens=3, min_df=4)
    assert lists(given.fit_transform(TEXTS[1:2])) == [[1, 1, 1, 1, 3]]
    assert given.vocabulary_ == {"film": 2, "year": 3}
    assert given.n_tokens_ == 4


def test_sequences_are_decoded():
    vectorizer = SequenceVectorizer(max_tokens=6, start_token=True).fit(TEXTS)
    padded = np.array([[2, 3, 1, 0, 0], [0, 0, 2, 4, 5]])
    assert lists(vectorizer.inverse_transform(padded)) == [
        ["the", "[UNK]"],
        ["see", "film"],
    ]
    assert lists(vectorizer.inverse_transform([[], [4]])) == [[], ["see"]]


@pytest.mark.parametrize(
    "wrong", [[[2, 99]], [[-1]], [[0.5]], [["the"]], [3], [[[2]]], np.eye(2)], ids=str
)
def test_what_are_no_tokens_is_not_decoded(wrong):
    with pytest.raises(ValueError, match=r"integers from 0 to 10, got .* as X\[0\]"):
        SequenceVectorizer().fit(TEXTS).inverse_transform(wrong)


def test_it_is_a_transformer_of_scikit_learn():
    # Those of scikit-learn's checks that need no table.
    for check in (
        *(check_get_params_invariance, check_no_attributes_set_in_init),
        *(check_parameters_default_constructible, check_set_params),
    ):
        check("SequenceVectorizer", SequenceVectorizer())
    vectorizer = SequenceVectorizer(50, 7, stop_words=["the"])
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    vectorizer.fit(TEXTS)
    copied = pickle.loads(pickle.dumps(vectorizer))
    assert lists(copied.transform(TEXTS)) == lists(vectorizer.transform(TEXTS))
    assert not hasattr(vectorizer, "set_output")
    assert not hasattr(SequenceVectorizer(), "n_tokens_")


def test_pipelines_and_searches_take_texts():
    texts = pd.Series(["so good", "very good", "so bad", "not my thing, bad"] * 5)
    y = np.array([1, 1, 0, 0] * 5)
    rows = FunctionTransformer(multi_hot, kw_args={"num_tokens": 50})
    pipeline = make_pipeline(SequenceVectorizer(50), rows, LogisticRegression())
    grid = {
        "sequencevectorizer__max_length": [1, None],
        "sequencevectorizer__analyzer": ["word", "char"],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(texts, y)
    assert search.best_score_ == 1
    assert search.predict(["bad", "good"]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "'max_tokens' parameter .* must be"),
        ({"max_tokens": True}, "'max_tokens' parameter .* must be"),
        ({"max_tokens": 2}, r"max_tokens must be at least 3.*\[UNK\]\). Got 2"),
        (
            {"max_tokens": 3, "start_token": True},
            r"max_tokens must be at least 4.*\[START\]\). Got 3",
        ),
        ({"max_length": 0}, "'max_length' parameter .* must be"),
        ({"max_length": 2.5}, "'max_length' parameter .* must be"),
        ({"truncating": "end"}, "'truncating' parameter .* must be"),
        ({"start_token": 2}, "'start_token' parameter .* must be"),
        ({"analyzer": "words"}, "'analyzer' parameter .* must be"),
        ({"min_df": -1}, "'min_df' parameter .* must be"),
        ({"min_df": 3, "max_df": 2}, "max_df=2 of 4 texts are fewer than min_df=3"),
        ({"min_df": 4}, "no word is in at least min_df=4"),
        ({"ngram_range": (2, 1)}, r"ngram_range must be .* got \(2, 1\)"),
        ({"ngram_range": (1,)}, r"ngram_range must be .* got \(1,\)"),
        ({"ngram_range": (0, 1)}, r"ngram_range must be .* got \(0, 1\)"),
        ({"vocabulary": []}, "vocabulary must have a word at least"),
        ({"vocabulary": "film"}, "vocabulary must be an iterable of words"),
        ({"vocabulary": ["film", "film"]}, "vocabulary has the word 'film' twice"),
        ({"vocabulary": {"film": 0}}, "numbers from 2 to 2, each once.*key=voc"),
        ({"vocabulary": {"film": 2, "year": 2}}, "numbers from 2 to 3, each once"),
        ({"token_pattern": "a{9}"}, "X has no tokens at all"),
    ],
    ids=str,
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        SequenceVectorizer(**options).fit(TEXTS)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", "X must be an iterable of texts, got a single one"),
        (b"one text", "X must be an iterable of texts, got a single one"),
        (pd.DataFrame({"text": TEXTS}), r"shape \(4, 1\).*frame\['text'\]"),
        (np.array([TEXTS]), r"got shape \(1, 4\)"),
        (["fine", None], r"X must hold texts, got None as X\[1\]"),
        (["fine", float("nan")], r"X must hold texts, got nan as X\[1\]"),
        ([3], r"X must hold texts, got 3 as X\[0\]"),
        (["fine", np.nan], "np.nan is an invalid document"),
        ([], "X has no tokens at all"),
    ],
    ids=str,
)
def test_what_are_no_texts_is_named(texts, message):
    with pytest.raises(ValueError, match=message):
        SequenceVectorizer().fit(texts)


@pytest.mark.parametrize(
    "method", ["transform", "inverse_transform", "get_feature_names_out"]
)
def test_without_a_vocabulary_it_says_so(method):
    arguments = [] if method == "get_feature_names_out" else [TEXTS]
    with pytest.raises(NotFittedError, match="no vocabulary yet: call fit"):
        getattr(SequenceVectorizer(), method)(*arguments)


def test_what_a_tokenizer_raises_is_shown_as_it_is():
    def tokenizer(text):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        SequenceVectorizer(tokenizer=tokenizer, token_pattern=None).fit(TEXTS)
