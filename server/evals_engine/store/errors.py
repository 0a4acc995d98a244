"""Errors of every store: a request is refused or repeated, a start is refused with advice."""


class StoreUnusableError(Exception):
    """The store cannot be used; the message says which setting to change."""


class DataDirError(StoreUnusableError):
    """The data directory cannot be used; the message says which setting to change."""


class StorageError(Exception):
    """The disk or the database refused a read or a write; nothing was changed."""


class UnavailableError(StorageError):
    """The database does not answer now; the same step may succeed in a few seconds."""


class AlreadyStoredError(Exception):
    """The bytes of a file came with another attempt."""
