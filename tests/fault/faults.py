# The faults: what is done to servers, workers and the network while intents flow. Each ends with everything in its place again, except what
# Till has to mend by itself.
import os, signal, threading, time
from resp import Lost, Redis, ReplyError
from stage import LEASE_S, Trouble, wait_for

def worker(run): return run.rng.choice(run.stage.workers)

def worker_killed(run):
    victim = worker(run)
    victim.kill()
    time.sleep(run.rng.uniform(0, 2 * LEASE_S))
    victim.start()

def worker_frozen(run):
    victim = worker(run)
    victim.signal(signal.SIGSTOP)
    time.sleep(run.length(3 * LEASE_S))
    victim.signal(signal.SIGCONT)

def worker_ended(run):
    victim = worker(run)
    victim.signal(signal.SIGTERM)
    try: code = victim.process.wait(15)
    except Exception: code = "no"
    if code != 0: run.verdict.fault(f"worker {victim.number} ends with {code} after SIGTERM")
    victim.kill()
    victim.start()

def clients_killed(run):
    for _ in range(5):
        run.stage.everywhere("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        time.sleep(0.1)

def scripts_flushed(run):
    for _ in range(20):
        run.stage.everywhere("SCRIPT", "FLUSH")
        time.sleep(0.05)

def groups_destroyed(run):
    for _ in range(5):
        p = run.rng.randrange(run.stage.partitions)
        try: run.stage.master(p).call("XGROUP", "DESTROY", f"{{{run.stage.book}:{p}}}:intents", "workers")
        except (Lost, ReplyError): pass
        time.sleep(0.05)

def with_setting(run, name, value, back, seconds):
    run.stage.everywhere("CONFIG", "SET", name, value)
    time.sleep(seconds)
    run.stage.everywhere("CONFIG", "SET", name, back)

def memory_full(run):
    try: used = int(run.stage.master().call("INFO", "memory").split(b"used_memory:")[1].split(b"\r")[0])
    except (Lost, ReplyError): return
    with_setting(run, "maxmemory", used + 100000, 0, run.length(2))

def replicas_missing(run): with_setting(run, "min-replicas-to-write", 5, run.stage.min_replicas, run.length(2))

def busy(run):
    """Somebody's endless script."""
    redis = Redis(run.stage.master().where, 30)
    def hang():
        try: redis.call("EVAL", "while true do end", 0)
        except (Lost, ReplyError): pass
    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(run.length(1.5))
    run.stage.everywhere("SCRIPT", "KILL")
    thread.join(10)

# --- of one server that we run

def redis_frozen(run):
    run.stage.redis.send_signal(signal.SIGSTOP)
    time.sleep(run.length(3))
    run.stage.redis.send_signal(signal.SIGCONT)

def redis_killed(run):
    run.stage.kill_redis()
    time.sleep(run.rng.uniform(0.1, 1.5))
    run.stage.start_redis()

def power_cut(run):
    """As if the machine went: what the disk had a second ago, or with `always` all that was acknowledged."""
    stage = run.stage
    log, size = stage.log_file(), None
    if log and stage.persistence == "everysec": size = os.path.getsize(log)
    time.sleep(1)
    stage.kill_redis()
    if size is not None and stage.log_file() == log: os.truncate(log, size)
    stage.start_redis()

def network(rule):
    def fault(run):
        run.stage.proxy.say(rule(run) if callable(rule) else rule)
        time.sleep(run.length(3))
        run.stage.proxy.say("pass")
    return fault

# --- of a master with replicas

def wait_for_another(run, port):
    wait_for("a failover", 60, lambda: run.other_master(port))

def online_again(run): wait_for("two replicas", 60, run.stage.replicas_online)

def master_killed(run):
    port = run.stage.master_port()
    os.kill(run.stage.pid(port), signal.SIGKILL)
    wait_for_another(run, port)
    run.healed()
    run.stage.start_again(port)
    online_again(run)

def master_frozen(run):
    """It wakes up and believes that it is the master still."""
    port = run.stage.master_port()
    os.kill(run.stage.pid(port), signal.SIGSTOP)
    wait_for_another(run, port)
    os.kill(run.stage.pid(port), signal.SIGCONT)
    run.healed()
    online_again(run)

def asked_to_fail_over(run, pause):
    port = run.stage.master_port()
    try:
        if pause: run.stage.master().call("CLIENT", "PAUSE", 20000, "WRITE")
        Redis(("127.0.0.1", run.stage.first + 3)).call("SENTINEL", "FAILOVER", "till")
    except (Lost, ReplyError): return
    wait_for_another(run, port)
    run.healed()
    online_again(run)

def failover(run):
    """Nobody waits until a replica has all, and the old master takes in what comes until it is told."""
    asked_to_fail_over(run, False)

def planned_failover(run):
    """As config/README.md says."""
    asked_to_fail_over(run, True)

def lagging_promoted(run):
    """For a second no replica hears of anything, nor does the master mind; then one of them is the master."""
    stage, port = run.stage, run.stage.master_port()
    master, others = stage.master(), [stage.pid(other) for other in stage.ports() if other != port]
    master.call("CONFIG", "SET", "min-replicas-to-write", 0)
    for pid in others: os.kill(pid, signal.SIGSTOP)
    master.call("CLIENT", "KILL", "TYPE", "replica")
    time.sleep(0.8)
    os.kill(stage.pid(port), signal.SIGKILL)
    for pid in others: os.kill(pid, signal.SIGCONT)
    wait_for_another(run, port)
    run.healed()
    stage.start_again(port)
    online_again(run)

ANYWHERE = {"worker killed": worker_killed, "worker frozen": worker_frozen, "worker ended": worker_ended,
            "connections killed": clients_killed, "scripts flushed": scripts_flushed, "memory full": memory_full,
            "replicas missing": replicas_missing, "busy script": busy, "groups destroyed": groups_destroyed}
NETWORK = {"replies lost": network("lose-replies"), "half-open": network("half-open"), "black hole": network("drop"),
           "slow": network("delay 40"), "resets": network("reset 50"), "refused": network("refuse"),
           "cut replies": network(lambda run: f"cut-replies {run.rng.randrange(3000)}"),
           "cut requests": network(lambda run: f"cut-requests {run.rng.randrange(3000)}")}
FAULTS = {"single": dict(ANYWHERE, **NETWORK, **{"Redis frozen": redis_frozen, "Redis killed": redis_killed}),
          "sentinel": dict(ANYWHERE, **{"master killed": master_killed, "master frozen": master_frozen, "SENTINEL FAILOVER": failover,
                                        "planned failover": planned_failover})}
# For the table only: these lose something by design.
LOSING = {"single": {"power cut": power_cut}, "sentinel": {"lagging replica promoted": lagging_promoted}}
