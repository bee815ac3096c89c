"""What goes wrong, as exceptions: one for each status of the library that a program can act on."""


class SnowError(Exception):
    """The base of all exceptions here."""


class TermError(SnowError, ValueError):
    """A value cannot be written as a term, or bytes are not one."""


class Ended(SnowError):
    """The process has ended. `reason` says why, once that is known."""

    def __init__(self, message, reason=None):
        super().__init__(message)
        self.reason = reason


class CallFailed(SnowError):
    """The library refused a call for another reason; `status` is its number in `snow_dist.h`."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


class WrongArgument(SnowError, ValueError):
    """An argument is unfit: a name is not a node's, a number is out of range."""


class Stopped(SnowError):
    """The node has been shut down."""


class Refused(SnowError):
    """The other node does not take it: too long, too many links, or the session has no way to say it."""


class StartError(SnowError):
    """The node does not start."""


class Unusable(SnowError):
    """A cookie or a certificate cannot be used. The node keeps those that it has."""


class ConnectError(SnowError, ConnectionError):
    """There is no session with the other node, and none could be established."""


class NameTaken(SnowError):
    """The name is taken."""


class NoProcess(SnowError, LookupError):
    """There is no such process on this node."""


class LimitReached(SnowError):
    """A limit of the library is reached; the message says which."""


OK = 0
TIMEOUT = -1

_BY_STATUS = {
    -3: WrongArgument,
    -4: Stopped,
    -5: Ended,
    -6: Refused,
    -7: StartError,
    -8: ConnectError,
    -9: NameTaken,
    -10: NoProcess,
    -11: TermError,
    -12: LimitReached,
    -19: Unusable,
}


def of_status(status, message):
    """The exception of a status."""
    if status == TIMEOUT:
        return TimeoutError(message)
    kind = _BY_STATUS.get(status)
    return kind(message) if kind else CallFailed(message, status)
