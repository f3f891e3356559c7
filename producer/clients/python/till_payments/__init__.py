"""Till from Python: hand payment intents to a book on Redis Streams, and wait for their answers."""

from .client import Answer, Result, Till, TillError
from .codes import CODES, Code
from .reader import Reader
from .wire import credential, encode, fingerprint, key, partition, sign

__all__ = [
    "Answer", "CODES", "Code", "Reader", "Result", "Till", "TillError", "credential", "encode", "fingerprint", "key", "partition", "sign",
]
