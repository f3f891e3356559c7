# The published table: each fault x persistence x topology with ten thousand intents and more, as Markdown.
import sys, time
import faults, play
from stage import Trouble

ROWS = {"single": ["worker killed", "worker frozen", "connections killed", "scripts flushed", "replies lost", "half-open", "memory full",
                   "Redis frozen", "Redis killed", "power cut"],
        "sentinel": ["worker killed", "worker frozen", "planned failover", "SENTINEL FAILOVER", "master killed", "master frozen",
                     "lagging replica promoted"]}

SECONDS = 8.0
HEAD = """| topology | fault | persistence | intents | lost | answers gone | reported | doubled | stuck | longest wait for an answer |
|---|---|---|---|---|---|---|---|---|---|"""

def one(programs, topology, persistence, name, options):
    fault = dict(faults.FAULTS[topology], **faults.LOSING[topology])[name]
    run = play.Run(programs, topology, persistence, options.seed, options.intents / SECONDS, limit=int(options.intents * 1.2))
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

def print_table(programs, options):
    bad = 0
    print(HEAD, flush=True)
    for topology, names in ROWS.items():
        for name in options.fault or names:
            for persistence in ("none", "everysec", "always"):
                if name not in names: continue
                try: run, verdict = one(programs, topology, persistence, name, options)
                except Trouble as trouble:
                    print(f"{topology}, {name}, {persistence}: {trouble}", file=sys.stderr)
                    bad += 1
                    continue
                recovery = "for ever" if run.recovery is None else f"{run.slowest / 1000:.1f} s"
                reported = "yes" if run.reported else "no" if verdict.lost else "-"
                print(f"| {topology} | {name} | {persistence} | {verdict.intents:,} | {verdict.lost} | {verdict.undone} | {reported} | "
                      f"{verdict.doubled} | {verdict.stuck} | {recovery} |", flush=True)
                for text in verdict.wrong: print(f"{topology}, {name}, {persistence}: FAILED: {text}", file=sys.stderr)
                bad += bool(verdict.wrong or verdict.doubled or verdict.stuck)
    return 1 if bad else 0
