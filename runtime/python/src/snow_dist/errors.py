"""The exceptions of this package. Each error code of the library that a program can handle has its own exception."""


class SnowError(Exception):
    """The base class of all exceptions of this package, except for `TimeoutError`."""


class TermError(SnowError, ValueError):
    """A value cannot be encoded as a term, or bytes are not a term."""


class Ended(SnowError):
    """The process has ended. `reason` is the reason of its end, or None while the reason is not known."""

    def __init__(self, message, reason=None):
        super().__init__(message)
        self.reason = reason


class CallFailed(SnowError):
    """A call of the library has failed with an error code that has no exception of its own.

    `status` is the number of the error code in `snow_dist.h`.
    """

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


class WrongArgument(SnowError, ValueError):
    """An argument is not valid, for example because a name is not a node name or a number is out of range."""


class Stopped(SnowError):
    """The node has been shut down."""


class Refused(SnowError):
    """The other node does not accept the action.

    A message is too long, there are too many links and monitors, or the session lacks a capability that the action
    needs.
    """


class StartError(SnowError):
    """The node cannot start, for example because a setting is not valid or it cannot listen at its address."""


class Unusable(SnowError):
    """A cookie or a certificate cannot be used. The node keeps its previous cookies and certificates."""


class ConnectError(SnowError, ConnectionError):
    """There is no session with the other node, or none could be established."""


class NameTaken(SnowError):
    """A process has the name already."""


class NoProcess(SnowError, LookupError):
    """The process does not exist on this node, or no process has the name."""


class LimitReached(SnowError):
    """A limit of the library is reached. The message names the limit."""


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
    """Returns the exception for an error code."""
    if status == TIMEOUT:
        return TimeoutError(message)
    kind = _BY_STATUS.get(status)
    return kind(message) if kind else CallFailed(message, status)
