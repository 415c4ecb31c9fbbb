"""The cost of ``import fastnn``, beside what it cannot do without."""


def timeraw_import_fastnn():
    return "import fastnn"


def timeraw_import_sklearn_base():
    return "import sklearn.base"
