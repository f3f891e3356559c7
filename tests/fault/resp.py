# A client of Redis in a page: commands, pipelines, replies as Python values. Errors of Redis are values too (ReplyError).
import socket

class ReplyError(Exception):
    """What Redis said instead of doing it."""

class Lost(Exception):
    """The connection is gone; what was sent may have arrived."""

class Redis:
    def __init__(self, where, timeout=5.0):
        """where: a unix socket's path, or (host, port)."""
        self.where, self.timeout, self.socket, self.buffer = where, timeout, None, b""

    def connect(self):
        try:
            if isinstance(self.where, str):
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.settimeout(self.timeout)
                self.socket.connect(self.where)
            else:
                self.socket = socket.create_connection(self.where, self.timeout)
        except OSError as error:
            self.close()
            raise Lost(str(error))

    def close(self):
        if self.socket: self.socket.close()
        self.socket, self.buffer = None, b""

    def line(self):
        while b"\r\n" not in self.buffer: self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def fill(self):
        more = self.socket.recv(1 << 18)
        if not more: raise OSError("closed")
        self.buffer += more

    def reply(self):
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b"+": return rest
        if kind == b":": return int(rest)
        if kind == b"-": return ReplyError(rest.decode("utf-8", "replace"))
        size = int(rest)
        if size < 0: return None
        if kind == b"*": return [self.reply() for _ in range(size)]
        while len(self.buffer) < size + 2: self.fill()
        body, self.buffer = self.buffer[:size], self.buffer[size + 2:]
        return body

    def pipeline(self, commands):
        """Replies of all of them, in order. Lost: nobody knows which arrived."""
        if not self.socket: self.connect()
        text = bytearray()
        for words in commands:
            text += b"*%d\r\n" % len(words)
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                text += b"$%d\r\n%b\r\n" % (len(word), word)
        try:
            self.socket.sendall(text)
            return [self.reply() for _ in commands]
        except OSError as error:
            self.close()
            raise Lost(str(error))

    def call(self, *words):
        reply = self.pipeline([words])[0]
        if isinstance(reply, ReplyError): raise reply
        return reply

def pairs(flat):
    """A flat reply of names and values as a dict with names as text."""
    return {flat[n].decode(): flat[n + 1] for n in range(0, len(flat), 2)}

def entries(redis, key):
    """Every (ID, fields) of a stream."""
    start = "-"
    while True:
        page = redis.call("XRANGE", key, start, "+", "COUNT", 2000)
        for identifier, fields in page: yield identifier.decode(), pairs(fields)
        if len(page) < 2000: return
        start = "(" + page[-1][0].decode()
