"""Everything wikirank raises on purpose, as one tree.

```
WikirankError
├── InvalidArgumentError (ValueError)   an argument is out of range, ill-typed or unknown
│   └── TextTooLongError                a text exceeds the window, on_truncation="error"
├── CorpusError                         a source cannot be read: missing, broken, not UTF-8
│   ├── EmptyCorpusError                a source holds no article with text
│   ├── SourceAccessError               a wiki does not let us read: login refused, or needed
│   └── SourceConnectionError           a wiki cannot be reached or stays too busy; try later
├── ModelError                          a model folder is missing, corrupt, or of the wrong kind
├── MissingExtraError (ImportError)     an optional dependency is missing; names the pip command
├── ClusterError                        a Ray cluster is not there, or failed for good
└── IndexStorageError                   the index on disk or on a Chroma server
    ├── IndexNotFoundError              there is no index at the given place
    ├── IndexMismatchError              made by another model, splitter or format than asked for
    ├── IndexLockedError                another process is writing to it
    └── IndexConnectionError            its Chroma server does not answer
```

Each message says what was expected, what was got, and what to do. Warnings:
`TruncationWarning` when a text was cut because `on_truncation="warn"`, or a query because it
alone would fill the model's window.
"""


class WikirankError(Exception):
    """Base of every error raised by wikirank on purpose."""


class InvalidArgumentError(WikirankError, ValueError):
    """An argument is out of range, of the wrong kind, or unknown."""


class TextTooLongError(InvalidArgumentError):
    """A text exceeds the model's window and `on_truncation="error"` was asked for."""


class CorpusError(WikirankError):
    """A source cannot be read; the message names the file and the line or record."""


class EmptyCorpusError(CorpusError):
    """A source holds no article with text."""


class SourceAccessError(CorpusError):
    """A wiki does not let us read it: the login is refused, or one is needed."""


class SourceConnectionError(CorpusError):
    """A wiki cannot be reached, or stays too busy; the same command later may go on."""


class ModelError(WikirankError):
    """A model folder is missing, corrupt, or of the wrong kind."""


class MissingExtraError(WikirankError, ImportError):
    """An optional dependency is not installed; the message names the pip command."""


class ClusterError(WikirankError):
    """A Ray cluster is not there, or failed for good; the same command later goes on."""


class IndexStorageError(WikirankError):
    """Base of the errors about an index on disk or on a Chroma server."""


class IndexNotFoundError(IndexStorageError):
    """There is no index at the given place."""


class IndexMismatchError(IndexStorageError):
    """The index was made by another model, splitter or format than asked for."""


class IndexLockedError(IndexStorageError):
    """Another process is writing to the index."""


class IndexConnectionError(IndexStorageError):
    """The Chroma server of the index does not answer."""


class TruncationWarning(UserWarning):
    """A text was cut to the model's window."""
