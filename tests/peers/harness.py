# One run of one peer: a server of its own, workers, a producer, the upstream that reads the answers; what it took, and whether it adds up.
import collections
import os
import random
import shutil
import signal
import subprocess
import time

import redis

HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNTS, MERCHANTS, BALANCE = 1000, 10, 10**9
TICK_US = 1e6 / os.sysconf('SC_CLK_TCK')
PHASE_S = 240


class Trouble(Exception):
    pass


def make_intents(path, count, seed=1):
    """As many payments as lines: 1 % of them again, 1 % above what anybody has."""
    dice, rows = random.Random(seed), []
    for n in range(count):
        kind = dice.random()
        if kind < 0.01 and rows:
            rows.append(dice.choice(rows))
            continue
        amount = 10**12 if kind < 0.02 else dice.randint(1, 5000)
        rows.append(('payment-%08d-%08x' % (n, dice.getrandbits(32)), 'user%d' % dice.randrange(ACCOUNTS),
                     'shop%d' % dice.randrange(MERCHANTS), amount))
    with open(path, 'w') as out:
        out.writelines('\t'.join(map(str, row)) + '\n' for row in rows)
    return rows


def family(pid):
    """A process and all that came of it."""
    children = collections.defaultdict(list)
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            children[int(open('/proc/%s/stat' % name).read().rsplit(')', 1)[1].split()[1])].append(int(name))
        except OSError:
            pass
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children[found[-1]]
    return found


def cpu_us(pids):
    """User and system time, with that of children that have ended."""
    total = 0
    for pid in [p for root in pids for p in family(root)]:
        try:
            total += sum(map(int, open('/proc/%d/stat' % pid).read().rsplit(')', 1)[1].split()[11:15]))
        except OSError:
            pass
    return total * TICK_US


def peak_mb(pids):
    total = 0
    for pid in [p for root in pids for p in family(root)]:
        try:
            total += sum(int(line.split()[1]) for line in open('/proc/%d/status' % pid) if line.startswith('VmHWM'))
        except OSError:
            pass
    return total / 1024


class Processes:
    """Everything that is started, and ends with the run."""

    def __init__(self, directory, env):
        self.directory, self.env, self.all = directory, env, []

    def start(self, command, pipe=False, env=None, user=None):
        log = open(self.directory + '/log', 'a')
        process = subprocess.Popen(command, cwd=HERE, env=dict(self.env, **(env or {})), stderr=log, user=user, start_new_session=True,
                                   stdin=subprocess.PIPE if pipe else subprocess.DEVNULL, stdout=subprocess.PIPE if pipe else log, text=True)
        self.all.append(process)
        return process

    def kill(self, process):
        """The hard way, with all its children."""
        for pid in family(process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        process.wait()
        self.all.remove(process)

    def end(self, process, sign=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(sign)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                return self.kill(process)
        self.all.remove(process)

    def wait_until(self, condition, what):
        until = time.monotonic() + PHASE_S
        while not condition():
            if time.monotonic() > until:
                raise Trouble('%s takes too long; see %s/log' % (what, self.directory))
            if any(p.poll() for p in self.all):
                raise Trouble('%s has failed; see %s/log' % ([p.args for p in self.all if p.poll()], self.directory))
            time.sleep(0.005)


class Redis:
    def __init__(self, processes, directory, aof):
        socket = directory + '/s'
        log = ['--appendonly', 'yes', '--appendfsync', 'everysec'] if aof else ['--appendonly', 'no']
        self.process = processes.start(['redis-server', '--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''] + log)
        self.db = redis.Redis(unix_socket_path=socket, decode_responses=True)
        processes.wait_until(self.answers, 'starting Redis')
        self.env = {'SOCK': socket, 'SHA': self.db.script_load(open(HERE + '/pay.lua').read())}
        self.db.hset('accounts', mapping={'user%d' % n: BALANCE for n in range(ACCOUNTS)})
        self.db.hset('merchants', mapping={'shop%d' % n: 0 for n in range(MERCHANTS)})
        self.db.xgroup_create('intents', 'workers', '0', mkstream=True)

    def answers(self):
        try:
            return self.db.ping()
        except redis.exceptions.RedisError:
            return False

    def reader(self, count, path, seconds):
        return [os.environ['READER'], self.env['SOCK'], 'answers', str(count), path, str(seconds)]

    def cpu_us(self):
        info = self.db.info('cpu')
        return (info['used_cpu_user'] + info['used_cpu_sys']) * 1e6

    def books(self):
        numbers = lambda key: {name: int(value) for name, value in self.db.hgetall(key).items()}
        return numbers('accounts'), numbers('merchants'), self.db.xlen('journal')

    def close(self, processes):
        processes.end(self.process)


class Postgres:
    SETTINGS = {'listen_addresses': '', 'fsync': 'on', 'synchronous_commit': 'on', 'shared_buffers': '1GB', 'max_wal_size': '8GB',
                'wal_buffers': '64MB', 'checkpoint_timeout': '15min', 'jit': 'off'}

    def __init__(self, processes, directory, aof):
        self.programs = sorted(os.path.dirname(p) for p in os.popen('ls -d /usr/lib/postgresql/*/bin/postgres').read().split())[-1]
        self.user = 'postgres' if os.geteuid() == 0 else None
        os.chmod(directory, 0o755)
        data = directory + '/data'
        os.mkdir(data, 0o700)
        if self.user:
            shutil.chown(data, self.user)
            os.chmod(directory, 0o777)
        subprocess.run([self.programs + '/initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'], check=True,
                       stdout=subprocess.DEVNULL, user=self.user, cwd='/')
        settings = [word for item in self.SETTINGS.items() for word in ('-c', '%s=%s' % item)]
        self.process = processes.start([self.programs + '/postgres', '-D', data, '-k', directory] + settings, user=self.user)
        self.env = {'SOCK': directory}
        ready = [self.programs + '/pg_isready', '-q', '-h', directory, '-U', 'postgres']
        processes.wait_until(lambda: subprocess.run(ready).returncode == 0, 'starting PostgreSQL')
        self.ask(open(HERE + '/postgres.sql').read())

    def ask(self, text):
        command = [self.programs + '/psql', '-qAtX', '-F', ' ', '-v', 'ON_ERROR_STOP=1', '-h', self.env['SOCK'], '-U', 'postgres']
        return [line.split(' ') for line in subprocess.run(command, input=text, text=True, check=True,
                                                           stdout=subprocess.PIPE).stdout.splitlines()]

    def reader(self, count, path, seconds):
        return ['node', HERE + '/postgres_reader.js', str(count), path, str(seconds)]

    def cpu_us(self):
        return cpu_us([self.process.pid])

    def books(self):
        numbers = lambda table: {name: int(value) for name, value in self.ask('SELECT name, balance FROM ' + table)}
        return numbers('accounts'), numbers('merchants'), int(self.ask('SELECT count(*) FROM journal')[0][0])

    def close(self, processes):
        processes.end(self.process, signal.SIGINT)


def judge(server, rows, answers):
    """What is wrong, in words; nothing is the best answer. An unanswered intent is not wrong here: it is counted."""
    first = {key: (account, merchant, amount) for key, account, merchant, amount in reversed(rows)}
    codes = collections.defaultdict(collections.Counter)
    for key, _, code in answers:
        codes[key][code] += 1
    accounts, merchants, journal = server.books()
    spent, wrong = collections.Counter(), []
    for key, (account, _, amount) in first.items():
        expected = 'ok' if amount <= BALANCE else 'poor'
        spent[account] += amount if codes[key]['ok'] else 0
        if codes[key]['ok'] + codes[key]['poor'] > 1 or codes[key][{'ok': 'poor', 'poor': 'ok'}[expected]]:
            wrong.append('%s was answered %s' % (key, dict(codes[key])))
    wrong += ['%s has %d' % (name, left) for name, left in accounts.items() if left != BALANCE - spent[name]]
    if sum(accounts.values()) + sum(merchants.values()) != ACCOUNTS * BALANCE:
        wrong.append('money came or went')
    if journal != sum(c['ok'] for c in codes.values()):
        wrong.append('%d journal entries' % journal)
    return wrong


class Run:
    """Sends so many intents, at a rate or (0) at full speed; with `crash` all workers are killed in the middle and started again."""

    def __init__(self, peer, directory, count, rate=0, crash=False, aof=False, patience_s=75):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        self.peer, self.directory, self.count, self.rate, self.crash, self.aof = peer, directory, count, rate, crash, aof
        self.seconds = (count / rate if rate else PHASE_S) + patience_s
        self.rows = make_intents(directory + '/intents', count)
        self.processes = Processes(directory, dict(os.environ, RUN=directory, INTENTS=directory + '/intents', RATE=str(rate), PEER=peer['name'],
                                                   CONCURRENCY=str(peer['concurrency']), PYTHONPATH=HERE))

    def figures(self):
        try:
            self.start_all()
            return self.send_and_measure()
        finally:
            for process in list(reversed(self.processes.all)):
                self.processes.end(process)

    def wait_ready(self, count, what):  # each writes ready.PID
        self.processes.wait_until(lambda: len([n for n in os.listdir(self.directory) if n.startswith('ready.')]) >= count, what)

    def start_workers(self):
        self.workers = [self.processes.start(self.peer['worker'], env=self.peer.get('env')) for _ in range(self.peer['processes'])]

    def start_all(self):
        self.server = (Postgres if self.peer['name'] == 'postgres' else Redis)(self.processes, self.directory, self.aof)
        self.processes.env.update(self.server.env)
        self.start_workers()
        self.wait_ready(self.peer['processes'], 'starting the workers')
        self.producer = self.processes.start(self.peer['producer'], pipe=True)
        self.wait_ready(self.peer['processes'] + 1, 'starting the producer')
        wanted = self.count * (2 if self.crash else 1) # after a crash some come again: nobody knows which is the last
        self.reader = self.processes.start(self.server.reader(wanted, self.directory + '/answers', int(self.seconds)))

    def spent_us(self):
        return self.server.cpu_us(), cpu_us([worker.pid for worker in self.workers])

    def send_and_measure(self):
        server_us, worker_us = self.spent_us()
        self.producer.stdin.write('\n')
        self.producer.stdin.flush()
        began = int(self.producer.stdout.readline())
        if self.crash:
            time.sleep(self.count / self.rate * 0.4)
            for worker in self.workers:
                self.processes.kill(worker)
            self.start_workers()
        self.processes.all.remove(self.reader)
        code = self.reader.wait()
        server_after_us, worker_after_us = self.spent_us()
        answers = [(key, int(at), word) for key, at, word in map(str.split, open(self.directory + '/answers'))]
        if code > 1 or (code and not self.crash):
            raise Trouble('%d answers are missing; see %s/log' % (self.count - len(answers), self.directory))
        figures = {'server_us': (server_after_us - server_us) / self.count, 'worker_us': (worker_after_us - worker_us) / self.count,
                   'worker_mb': peak_mb([worker.pid for worker in self.workers]), 'wrong': judge(self.server, self.rows, answers)}
        return measure(figures, self.rows, answers, began, self.rate)


def measure(figures, rows, answers, began, rate):
    figures['unanswered'] = len({row[0] for row in rows} - {key for key, _, _ in answers})
    figures['per_s'] = len(answers) / ((max(at for _, at, _ in answers) - began) / 1e9)
    if rate:
        first = {}
        for key, at, _ in answers:
            first.setdefault(key, at)
        due = {}
        for n, row in enumerate(rows):
            due.setdefault(row[0], began + n * 1e9 / rate)
        skipped = int(min(2 * rate, len(rows) / 4)) # until it runs warm
        waits = sorted((first[key] - at) / 1e6 for key, at in list(due.items())[skipped:] if key in first)
        for name, part in (('p50_ms', 0.5), ('p99_ms', 0.99), ('p999_ms', 0.999), ('max_ms', 1)):
            figures[name] = waits[min(len(waits) - 1, int(part * len(waits)))]
    return figures
