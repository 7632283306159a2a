"""Everything wikirank raises on purpose, as one tree.

```
WikirankError
├── InvalidArgumentError (ValueError)   an argument is out of range, ill-typed or unknown
│   └── TextTooLongError                a text exceeds the window, on_truncation="error"
├── CorpusError                         a source cannot be read: missing, broken, not UTF-8
│   ├── EmptyCorpusError                a source has no article with text
│   ├── SourceAccessError               a wiki refuses access: login failed, or required
│   └── SourceConnectionError           a wiki cannot be reached or stays too busy; try later
├── ModelError                          a model folder is missing, corrupt, or of the wrong kind
├── MissingExtraError (ImportError)     an optional dependency is missing; names the pip command
├── ClusterError                        a Ray cluster cannot be reached, or failed for good
└── IndexStorageError                   the index on disk or on a Chroma server
    ├── IndexNotFoundError              there is no index at the given path
    ├── IndexMismatchError              made with another model, splitter or format than requested
    ├── IndexLockedError                another process is writing to the index
    └── IndexConnectionError            the index's Chroma server does not answer
```

Each message says what was expected, what was got, and what to do.

`TruncationWarning` is issued when a text is cut because of `on_truncation="warn"`, and when a query
is cut because it would fill the model's window alone.
"""


class WikirankError(Exception):
    """Base of every error raised by wikirank on purpose."""


class InvalidArgumentError(WikirankError, ValueError):
    """An argument is out of range, of the wrong type, or unknown."""


class TextTooLongError(InvalidArgumentError):
    """A text exceeds the model's window and `on_truncation` is "error"."""


class CorpusError(WikirankError):
    """A source cannot be read; the message names the file and the line or record."""


class EmptyCorpusError(CorpusError):
    """A source has no article with text."""


class SourceAccessError(CorpusError):
    """A wiki refuses access: the login failed, or the wiki requires one."""


class SourceConnectionError(CorpusError):
    """A wiki cannot be reached or stays too busy. Run the same command later to continue."""


class ModelError(WikirankError):
    """A model folder is missing, corrupt, or of the wrong kind."""


class MissingExtraError(WikirankError, ImportError):
    """An optional dependency is not installed; the message names the pip command."""


class ClusterError(WikirankError):
    """A Ray cluster cannot be reached, or failed for good. Run the command again to continue."""


class IndexStorageError(WikirankError):
    """Base of all errors about an index on disk or on a Chroma server."""


class IndexNotFoundError(IndexStorageError):
    """There is no index at the given path."""


class IndexMismatchError(IndexStorageError):
    """The index was made with another model, splitter or format than requested."""


class IndexLockedError(IndexStorageError):
    """Another process is writing to the index."""


class IndexConnectionError(IndexStorageError):
    """The index's Chroma server does not answer."""


class TruncationWarning(UserWarning):
    """A text was cut to the model's window."""
