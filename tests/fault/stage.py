# Servers, proxy and workers of a chaos run, in a directory of their own. All of them end with us.
import ctypes, os, re, shutil, signal, socket, subprocess, tempfile, time
from resp import Lost, Redis, ReplyError

PERSISTENCE = {"none": ["--appendonly", "no"], "everysec": ["--appendonly", "yes", "--appendfsync", "everysec"],
               "always": ["--appendonly", "yes", "--appendfsync", "always"]}
LEASE_S, BUSY_MS = 1.0, 200
libc = ctypes.CDLL(None)

def die_with_parent():
    os.setpgid(0, 0)
    libc.prctl(1, signal.SIGKILL)

class Trouble(Exception):
    """The machine, not Till: nothing can be said about the run."""

def wait_for(what, seconds, condition):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until: raise Trouble(f"waited in vain for {what}")
        time.sleep(0.02)

def end(process, seconds=3):
    """SIGTERM, and SIGKILL after a while: a server that writes its first log refuses the first one for ever."""
    if not process or process.poll() is not None: return
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try: process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

class Worker:
    def __init__(self, stage, number):
        self.stage, self.number, self.process, self.stopped = stage, number, None, False
        self.log = os.path.join(stage.dir, f"worker-{number}.log")

    def start(self):
        self.stopped = False
        environment = dict(self.stage.environment, TILL_WORKER_NAME=f"w{self.number}", TILL_REDIS_URL=self.stage.url)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.stage.programs["till-worker"]], env=environment, cwd=self.stage.dir, stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def runs(self): return self.process is not None and self.process.poll() is None
    def kill(self):
        if self.runs(): self.process.kill()
        if self.process: self.process.wait()
    def signal(self, number):
        if self.runs(): self.process.send_signal(number)
    def text(self): return open(self.log, errors="replace").read() if os.path.exists(self.log) else ""
    def handles(self):
        try: return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        except OSError: return 0
    def memory(self):
        try: return int(open(f"/proc/{self.process.pid}/statm").read().split()[1]) * 4096
        except OSError: return 0

class Proxy:
    def __init__(self, stage, server):
        self.socket = os.path.join(stage.dir, "p")
        self.process = subprocess.Popen([stage.programs["till-fault-proxy"], "--listen", self.socket, "--server", server], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        if self.process.stdout.readline() != "listening\n": raise Trouble("the proxy does not listen")

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer != "ok\n" and command != "status": raise Trouble(f"the proxy: {command}: {answer}")
        return answer

class Stage:
    """Common to all topologies. `route(p)`: the sender's connection for a partition; `master(p)`: a fresh one, around any proxy."""
    topology = ""
    min_replicas = 0

    def __init__(self, programs, persistence, partitions=8, workers=3, settings=None):
        self.programs, self.persistence, self.partitions, self.book = programs, persistence, partitions, "chaos"
        self.dir = tempfile.mkdtemp(prefix="tc-", dir=os.environ.get("TMPDIR", "/tmp"))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("TILL_")}
        self.environment.update(TILL_BOOK_NAME=self.book, TILL_BOOK_PARTITIONS=str(partitions), TILL_RETENTION_INTENTS="keep",
                                TILL_RETENTION_RESPONSES="keep", TILL_WORKER_LEASE_TTL=f"{int(LEASE_S * 1000)}ms",
                                TILL_WORKER_BLOCK="200ms", TILL_REDIS_TIMEOUT="3s", TILL_PRODUCER_TIMEOUT="20s", **(settings or {}))
        self.processes, self.url, self.proxy = [], "", None
        try:
            self.start_servers()
        except BaseException:
            self.close()
            raise
        self.workers = [Worker(self, n) for n in range(workers)]

    def close(self):
        for worker in getattr(self, "workers", []): worker.kill()
        if self.proxy: self.proxy.process.kill()
        for process in self.processes: end(process)
        if "TILL_KEEP" not in os.environ: shutil.rmtree(self.dir, ignore_errors=True)

    def server(self, arguments, log):
        with open(os.path.join(self.dir, log), "ab") as out:
            process = subprocess.Popen(["redis-server"] + arguments, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.dir,
                                       preexec_fn=die_with_parent)
        self.processes.append(process)
        return process

    def till(self, *words, seconds=120):
        """(exit code, what it said)."""
        done = subprocess.run([self.programs["till"], *words], env=dict(self.environment, TILL_REDIS_URL=self.direct_url()), text=True,
                              capture_output=True, timeout=seconds, cwd=self.dir)
        return done.returncode, done.stdout + done.stderr

    def direct_url(self): return self.url

    def everywhere(self, *words):
        """To every master; what cannot be reached is left out."""
        for redis in self.masters():
            try: redis.call(*words)
            except (Lost, ReplyError): pass

    def lose_route(self):
        """A server said that it is not the one: ask again."""

def answers(redis):
    try: return redis.call("PING") == b"PONG"
    except (Lost, ReplyError):
        redis.close()
        return False

class Single(Stage):
    topology = "single"

    def start_servers(self):
        self.socket, self.data = os.path.join(self.dir, "s"), os.path.join(self.dir, "data")
        os.mkdir(self.data)
        self.redis = None
        self.start_redis()
        self.proxy = Proxy(self, self.socket)
        self.url = "unix:" + self.proxy.socket
        self.sender = Redis(self.proxy.socket, 2.0)

    def direct_url(self): return "unix:" + self.socket
    def route(self, partition): return self.sender
    def master(self, partition=0): return Redis(self.socket)
    def masters(self): return [Redis(self.socket)]

    def start_redis(self):
        self.redis = self.server(["--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self.data,
                                  "--busy-reply-threshold", str(BUSY_MS), *PERSISTENCE[self.persistence]], "redis.log")
        wait_for("redis-server", 30, lambda: answers(Redis(self.socket)))

    def kill_redis(self):
        self.redis.kill()
        self.redis.wait()
        self.processes.remove(self.redis)

    def log_file(self):
        folder = os.path.join(self.data, "appendonlydir")
        names = [n for n in os.listdir(folder) if ".incr." in n] if os.path.isdir(folder) else []
        return os.path.join(folder, sorted(names)[-1]) if names else None

class Local(Stage):
    """Servers of config/NAME-local on neighbouring ports."""
    def start_script(self, name, spare, **environment):
        """The first of its six ports; the nodes of a cluster speak to each other `spare` above."""
        script = os.path.join(os.path.dirname(__file__), f"../../config/{name}-local")
        self.first, self.topology_seen, self.senders = free_ports(6, spare), None, {}
        process = subprocess.Popen([script, self.dir, str(self.first)], env=dict(os.environ, **environment), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self.processes.append(process)
        self.url = process.stdout.readline().strip()
        if not self.url.startswith(name): raise Trouble(f"no {name}: " + process.stderr.read()[-500:])
        for port in self.ports():
            redis = self.at(port)
            redis.call("CONFIG", "SET", "appendonly", "no" if self.persistence == "none" else "yes")
            redis.call("CONFIG", "SET", "appendfsync", "always" if self.persistence == "always" else "everysec")
            redis.call("CONFIG", "SET", "min-replicas-to-write", self.min_replicas)
            redis.call("CONFIG", "SET", "busy-reply-threshold", BUSY_MS)
            redis.call("CONFIG", "REWRITE")

    def at(self, port, timeout=5.0): return Redis(("127.0.0.1", port), timeout)
    def signal(self, port, number): os.kill(int(open(os.path.join(self.dir, f"{port}.pid")).read()), number)
    def master(self, partition=0): return self.at(self.master_port(partition))
    def lose_route(self): self.topology_seen, self.senders = None, {}

    def route(self, partition):
        if partition not in self.senders or not self.senders[partition].socket:
            port = self.master_port(partition)
            others = [redis for redis in self.senders.values() if redis.where[1] == port and redis.socket]
            self.senders[partition] = others[0] if others else self.believed(port)
        return self.senders[partition]

    def believed(self, port):
        """As a client must: believe only who says that it is the master."""
        redis = self.at(port, 2.0)
        try:
            if redis.call("ROLE")[0] == b"master": return redis
        except ReplyError: pass
        self.lose_route()
        raise Lost("not the master yet")

    def start_again(self, port):
        """One that was killed comes back, and becomes a replica."""
        process = self.server([os.path.join(self.dir, f"{port}.conf")], f"{port}.again.log")
        with open(os.path.join(self.dir, f"{port}.pid"), "w") as out: out.write(str(process.pid))

    def replicas_online(self):
        """Does each master have all that it had at first?"""
        try: return all(self.at(port).call("INFO", "replication").count(b"state=online") == self.replicas for port in self.master_ports())
        except (Lost, ReplyError): return False

class Sentinel(Local):
    """A master without a replica takes nothing in, as the manual advises: one that was cut off cannot go on for long."""
    topology, replicas, min_replicas = "sentinel", 2, 1

    def start_servers(self): self.start_script("sentinel", 0, DOWN_MS="1000", MIN_REPLICAS=str(self.min_replicas))
    def ports(self): return [self.first + n for n in range(3)]
    def followers(self, port): return [other for other in self.ports() if other != port]
    def master_ports(self): return [self.master_port()]
    def masters(self): return [self.master()]

    def master_port(self, partition=0):
        for n in range(3):
            try: return int(self.at(self.first + 3 + n, 1.0).call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "till")[1])
            except (Lost, ReplyError, TypeError): continue
        raise Lost("no sentinel")

class Cluster(Local):
    """Three masters, each with a replica. With one replica each nothing can be asked of their number: a failover would have to wait for
    the dead."""
    topology, replicas = "cluster", 1
    SEEN_S = 0.3

    def start_servers(self):
        self.start_script("cluster", 10000, NODE_TIMEOUT_MS="2000")
        self.slots = [self.at(self.first).call("CLUSTER", "KEYSLOT", f"{{{self.book}:{p}}}") for p in range(self.partitions)]

    def ports(self): return [self.first + n for n in range(6)]
    def masters(self): return [self.at(port) for port in self.master_ports()]
    def master_ports(self): return sorted({self.master_port(p) for p in range(self.partitions)})

    def followers(self, port):
        """The replicas of a master."""
        try: return [int(replica[1]) for replica in self.at(port).call("ROLE")[2]]
        except (Lost, ReplyError, TypeError): return []

    def views(self):
        """(epoch, port, [(first, last)]) of each master, as each node sees it."""
        for port in self.ports():
            try: lines = self.at(port, 0.5).call("CLUSTER", "NODES").decode().splitlines()
            except (Lost, ReplyError): continue
            for words in map(str.split, lines):
                ranges = [word.split("-") for word in words[8:] if word[0] != "["]
                yield int(words[6]), int(words[1].split(":")[1].split("@")[0]), [(int(r[0]), int(r[-1])) for r in ranges]

    def master_port(self, partition=0):
        """Who was elected last: a node that was cut off still believes what was true before."""
        if not self.topology_seen or time.monotonic() > self.topology_seen[0] + self.SEEN_S:
            views = sorted(self.views())
            owners = [[port for _, port, ranges in views if any(first <= slot <= last for first, last in ranges)] for slot in self.slots]
            if not all(owners): raise Lost("no node tells who has a slot")
            self.topology_seen = time.monotonic(), [ports[-1] for ports in owners]
        return self.topology_seen[1][partition]

    def move_slot(self, partition, to, pause_s):
        """Key by key, as redis-cli --cluster reshard does it, but slowly."""
        slot, at = self.slots[partition], self.master_port(partition)
        source, target = self.at(at), self.at(to)
        ids = [redis.call("CLUSTER", "MYID") for redis in (source, target)]
        target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, 10):
            source.call("MIGRATE", "127.0.0.1", to, "", 0, 5000, "KEYS", *keys)
            time.sleep(pause_s)
        for redis in (target, source): redis.call("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
        self.lose_route()

def free_ports(count, spare=0):
    """The first of so many neighbours that nobody uses, nor the ports `spare` above them."""
    for first in range(12000 + os.getpid() * count % 10000, 40000, count):
        try:
            for port in [p + above for p in range(first, first + count) for above in {0, spare}]:
                with socket.socket() as probe: probe.bind(("127.0.0.1", port))
            return first
        except OSError: continue
    raise Trouble("no free ports")

STAGES = {"single": Single, "sentinel": Sentinel, "cluster": Cluster}
