# The published table: each fault x persistence x topology with ten thousand intents and more, as Markdown.
import sys, time
import faults, play
from stage import Trouble

ROWS = {"single": ["worker killed", "worker frozen", "connections killed", "scripts flushed", "replies lost", "half-open", "memory full",
                   "Redis frozen", "Redis killed", "power cut"],
        "sentinel": ["worker killed", "worker frozen", "planned failover", "master killed", "master frozen", "lagging replica promoted"]}

def one(programs, topology, persistence, name, options):
    fault = dict(faults.FAULTS[topology], **faults.LOSING[topology])[name]
    seconds = 6.0
    run = play.Run(programs, topology, persistence, options.seed, options.intents / seconds, limit=options.intents)
    try:
        run.open()
        run.start()
        began = time.monotonic()
        time.sleep(seconds / 3)
        run.strike(name, fault)
        if name not in ("planned failover", "master killed", "master frozen", "lagging replica promoted"): run.healed()
        while len(run.sender.sent) < options.intents * 0.9 and time.monotonic() < began + 60: time.sleep(0.1)
        run.stop()
        return run, run.finish()
    finally: run.close()

def print_table(programs, options):
    bad = 0
    print("| topology | fault | persistence | intents | lost | answers undone | reported | doubled | stuck | recovered in |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for topology, names in ROWS.items():
        for name in options.fault or names:
            for persistence in ("none", "everysec", "always"):
                if name not in names: continue
                try: run, verdict = one(programs, topology, persistence, name, options)
                except Trouble as trouble:
                    print(f"{topology}, {name}, {persistence}: {trouble}", file=sys.stderr)
                    bad += 1
                    continue
                recovery = "never" if run.recovery is None else f"{run.recovery:.1f} s"
                reported = "yes" if run.reported else "-"
                print(f"| {topology} | {name} | {persistence} | {verdict.intents:,} | {verdict.lost} | {verdict.undone} | {reported} | "
                      f"{verdict.doubled} | {verdict.stuck} | {recovery} |", flush=True)
                for text in verdict.wrong: print(f"{topology}, {name}, {persistence}: FAILED: {text}", file=sys.stderr)
                bad += bool(verdict.wrong or verdict.doubled or verdict.stuck)
    return 1 if bad else 0
