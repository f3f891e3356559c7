"""Nobody works: above the backlog's limit nothing is sent. `python3 tests/busy.py SOCKET`"""

import sys

import redis

from till_payments import Code, Till

server = redis.Redis(unix_socket_path=sys.argv[1])
with Till(server, "py", backlog_max=5) as till, Till(server, "py", backlog_max=5) as another:
    for _ in range(5):
        assert till.send("inquire", "anna").code == Code.OK
    for one in (till, another):
        refused = one.call("inquire", "anna")
        assert refused.code == Code.BUSY and refused.reason == "busy" and not refused.entry, refused
print("good")
