"""What happens to an exception that nobody expected."""

from __future__ import annotations

import logging
import secrets
import traceback

log = logging.getLogger(__name__)


def log_bug(error: BaseException) -> str:
    """Log where an unexpected exception came from. Its text is left out: it may quote a row or key.

    Return the short id that the log and the answer share.
    """
    bug = secrets.token_hex(4)
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("internal error %s: %s\n%s", bug, type(error).__qualname__, frames)
    return bug
