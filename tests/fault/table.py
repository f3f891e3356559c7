# The published table: each fault x persistence x topology with ten thousand intents and more, as Markdown.
import sys, time
import faults, play
from stage import Trouble

REPLICATED = ["worker killed", "worker frozen", "planned failover", "master killed", "master frozen", "lagging replica promoted"]
ROWS = {"single": ["worker killed", "worker frozen", "connections killed", "scripts flushed", "replies lost", "half-open", "memory full",
                   "Redis frozen", "Redis killed", "power cut"],
        "sentinel": REPLICATED + ["SENTINEL FAILOVER"], "cluster": REPLICATED + ["slot moved"]}
REPLICAS = {"single": [0], "sentinel": [0, 1], "cluster": [0, 1]}

SECONDS = 8.0
COLUMNS = ["topology", "`durability.replicas`", "fault", "persistence", "intents", "lost", "answers gone", "reported", "doubled", "stuck",
           "audit finds", "longest wait"]

def one(programs, cell, options):
    topology, replicas, name, persistence = cell
    fault = dict(faults.FAULTS[topology], **faults.LOSING[topology])[name]
    run = play.Run(programs, topology, persistence, options.seed, options.intents / SECONDS, replicas, limit=int(options.intents * 1.2))
    try:
        run.open()
        run.start()
        began = time.monotonic()
        time.sleep(SECONDS / 3)
        run.strike(name, fault)
        while len(run.sender.sent) < options.intents and time.monotonic() < began + 90: time.sleep(0.1)
        run.stop()
        return run, run.finish()
    finally: run.close()

def cells(options):
    topologies = [options.topology] if options.topology else list(ROWS)
    wanted = REPLICAS if options.replicas is None else dict.fromkeys(ROWS, [options.replicas])
    sets = [(topology, replicas) for topology in topologies for replicas in wanted[topology]]
    return [(*set_, name, persistence) for set_ in sets for name in ROWS[set_[0]] if name in (options.fault or ROWS[set_[0]])
            for persistence in ("none", "everysec", "always")]

def row(cell, run, verdict):
    topology, replicas, name, persistence = cell
    reported = "yes" if run.reported else "no" if verdict.lost else "-"
    wait = "for ever" if run.recovery is None else f"{run.slowest / 1000:.1f} s"
    return (f"| {topology} | {replicas} | {name} | {persistence} | {verdict.intents:,} | {verdict.lost} | {verdict.undone} | {reported} | "
            f"{verdict.doubled} | {verdict.stuck} | {verdict.found} | {wait} |")

def print_table(programs, options):
    bad = 0
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", flush=True)
    for cell in cells(options):
        try: run, verdict = one(programs, cell, options)
        except Trouble as trouble:
            print(f"{cell}: {trouble}", file=sys.stderr, flush=True)
            bad += 1
            continue
        print(row(cell, run, verdict), flush=True)
        for text in verdict.wrong: print(f"{cell}: FAILED: {text}", file=sys.stderr, flush=True)
        bad += bool(verdict.wrong or verdict.doubled or verdict.stuck)
    return 1 if bad else 0
