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

# --- of masters with replicas; of several masters it is the one of partition p

def wait_for_another(run, port, p): wait_for("a failover", 60, lambda: run.other_master(port, p))

def online_again(run): wait_for("the replicas", 60, run.stage.replicas_online)

def some_master(run):
    p = run.rng.randrange(run.stage.partitions)
    return p, run.stage.master_port(p)

def master_killed(run):
    p, port = some_master(run)
    run.stage.signal(port, signal.SIGKILL)
    wait_for_another(run, port, p)
    run.healed()
    run.stage.start_again(port)
    online_again(run)

def master_frozen(run):
    """It wakes up and believes that it is the master still."""
    p, port = some_master(run)
    run.stage.signal(port, signal.SIGSTOP)
    wait_for_another(run, port, p)
    run.stage.signal(port, signal.SIGCONT)
    run.healed()
    online_again(run)

def asked_to_fail_over(run, pause):
    p, port = some_master(run)
    try:
        if pause: run.stage.master().call("CLIENT", "PAUSE", 20000, "WRITE")
        run.stage.at(run.stage.first + 3).call("SENTINEL", "FAILOVER", "till")
    except (Lost, ReplyError): return
    wait_for_another(run, port, p)
    run.healed()
    online_again(run)

def failover(run):
    """Nobody waits until a replica has all, and the old master takes in what comes until it is told."""
    asked_to_fail_over(run, False)

def planned_failover(run):
    """As config/README.md says."""
    asked_to_fail_over(run, True)

def cluster_failover(run):
    """The replica asks its master to wait until it has all."""
    p, port = some_master(run)
    try: run.stage.at(run.stage.followers(port)[0]).call("CLUSTER", "FAILOVER")
    except (Lost, ReplyError, IndexError): return
    wait_for_another(run, port, p)
    run.healed()
    online_again(run)

def slot_moved(run):
    """To another master and back."""
    p, port = some_master(run)
    for to in ([other for other in run.stage.master_ports() if other != port][0], port): run.stage.move_slot(p, to, run.length(0.1))

def lagging_promoted(run):
    """For a second no replica hears of anything, nor does the master mind; then one of them is the master."""
    stage, (p, port) = run.stage, some_master(run)
    master, others = stage.at(port), stage.followers(port)
    master.call("CONFIG", "SET", "min-replicas-to-write", 0)
    for other in others: stage.signal(other, signal.SIGSTOP)
    master.call("CLIENT", "KILL", "TYPE", "replica")
    time.sleep(0.8)
    stage.signal(port, signal.SIGKILL)
    for other in others: stage.signal(other, signal.SIGCONT)
    wait_for_another(run, port, p)
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
REPLICATED = {"master killed": master_killed, "master frozen": master_frozen}
FAULTS = {"single": dict(ANYWHERE, **NETWORK, **{"Redis frozen": redis_frozen, "Redis killed": redis_killed}),
          "sentinel": dict(ANYWHERE, **REPLICATED, **{"SENTINEL FAILOVER": failover, "planned failover": planned_failover}),
          "cluster": dict(ANYWHERE, **REPLICATED, **{"planned failover": cluster_failover, "slot moved": slot_moved})}
# For the table only: these lose something by design.
LOSING = {"single": {"power cut": power_cut}, "sentinel": {"lagging replica promoted": lagging_promoted},
          "cluster": {"lagging replica promoted": lagging_promoted}}
