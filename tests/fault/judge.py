# What came of a chaos run, from the keys alone and the sender's own notes: each entry one answer, each intent one effect, nothing lost,
# nothing stuck, the audit content, a replay the same.
import json, os, re, time
import wire
from resp import Lost, Redis, ReplyError, entries
from stage import answers, wait_for
from traffic import SOURCE

LIVENESS_S = 60

class Verdict:
    def __init__(self): self.lost = self.doubled = self.stuck = self.undone = self.intents = self.found = 0; self.wrong = []
    def fault(self, text):
        if len(self.wrong) < 20: self.wrong.append(text)

UNDER_WAY = ("undelivered", "pending", "unanswered", "in_flight", "settling", "paying")

def under_way(stage):
    """What is undelivered, pending, kept back, on its way between partitions, or due: "" when the book is at rest."""
    said = stage.till("audit", "--json")[1]
    try: audit = json.loads(said[said.index("{"):])
    except ValueError: return said[-500:]
    names = [f"{name} {audit[name]}" for name in UNDER_WAY if audit.get(name, 0)]
    until = int(time.time() * 1000) + 3000
    try:
        for p in range(stage.partitions):
            due = stage.master(p).call("ZRANGE", f"{{{stage.book}:{p}}}:due", "-inf", until, "BYSCORE", "WITHSCORES")
            names += [f"due in {p}: {name.decode()}" for name in due[:4]]
    except (Lost, ReplyError) as error: return str(error)
    return "; ".join(names)

def resting(stage): return not under_way(stage)

def reported(stage):
    """How many partitions stand still because data was lost."""
    count = 0
    for p in range(stage.partitions):
        try: count += stage.master(p).call("HEXISTS", f"{{{stage.book}:{p}}}:meta", "halted")
        except (Lost, ReplyError): pass
    return count

def ms_of(identifier): return int(identifier.split("-")[0])

def read_book(stage):
    """({(p, entry, identity): identity}, {(p, entry, identity): [answer]}) of what the sender's source sent and was told. Also how long
    anybody waited for an answer, in ms by Redis' own clock."""
    sent, told, later = {}, {}, set()
    stage.slowest = 0.0
    for p in range(stage.partitions):
        redis, prefix = stage.master(p), f"{{{stage.book}:{p}}}:"
        for identifier, fields in entries(redis, prefix + "intents"):
            for intent in wire.intents_of(fields):
                if intent.get("source") != SOURCE: continue
                who = intent["account"], intent["key"]
                sent[p, identifier, who] = who
                if "not_before" in intent: later.add((p, identifier, who))
        for identifier, fields in entries(redis, prefix + f"responses:{SOURCE}"):
            for answer in wire.answers_of(fields):
                where = p, answer["entry"].decode(), (answer["account"].decode(), answer["key"].decode())
                told.setdefault(where, []).append(answer)
                if answer["replayed"] == b"0" and where not in later:
                    stage.slowest = max(stage.slowest, ms_of(identifier) - ms_of(where[1]))
    return sent, told

def judge_answers(stage, sender, verdict, sent, told):
    """A repetition's answer names the entry that was decided, so answers are counted by intent; at first hand there is one for each of an entry."""
    copies, given, effects = {}, {}, {}
    for where, who in sent.items(): copies[where[0], who] = copies.get((where[0], who), 0) + 1
    for where, list_ in told.items():
        first = [answer for answer in list_ if answer["replayed"] == b"0"]
        who = where[0], where[2]
        given[who] = given.get(who, 0) + len(list_)
        effects[who] = effects.get(who, 0) + sum(int(answer["code"]) in wire.DECIDED for answer in first)
        if len(first) > 1: verdict.fault(f"partition {where[0]}: entry {where[1]} of {who[1]} has {len(first)} answers at first hand")
        if who not in copies: verdict.fault(f"partition {where[0]}: an answer to {where[1]} of {who[1]}, which nobody sent")
    for who, count in copies.items():
        verdict.stuck += max(0, count - given.get(who, 0))
        if count < given.get(who, 0) or effects.get(who, 0) > 1:
            verdict.doubled += 1
            verdict.fault(f"{who[1]} was sent {count} times, answered {given.get(who, 0)} times and decided {effects.get(who, 0)} times")
        elif count > given.get(who, 0): verdict.fault(f"{who[1]} was sent {count} times and answered {given.get(who, 0)} times")

def missing(sender, sent):
    """Intents that Redis had acknowledged and that lie in no stream any more."""
    there = set(sent.values())
    return [who for who, note in sender.sent.items() if note.entries and who not in there]

def undone(sender, told):
    """Answers that a checkout had read and that are no longer there."""
    return sum(1 for where in sender.seen if where not in told)

def judge_book(stage, verdict):
    code, said = stage.till("audit")
    if code != 0:
        found = re.search(r"NOT SOUND: (\d+) found", said)
        verdict.found = int(found[1]) if found else 1
        verdict.fault(f"till audit: {code}: {said[-1500:]}")
    for p in range(stage.partitions):
        try: consumers = stage.master(p).call("XINFO", "CONSUMERS", f"{{{stage.book}:{p}}}:intents", "workers")
        except ReplyError as error:
            verdict.fault(f"partition {p}: {error}")
            continue
        if len(consumers) > len(stage.workers) + 1: verdict.fault(f"partition {p} has {len(consumers)} consumers")

def judge_replay(stage, verdict):
    """The streams into an empty Redis: the same book, byte for byte."""
    archive, socket = os.path.join(stage.dir, "archive"), os.path.join(stage.dir, "r")
    os.makedirs(archive, exist_ok=True)
    for words in (("archive", archive), ("digest", "--save", archive)):
        code, said = stage.till(*words)
        if code != 0: return verdict.fault(f"till {words[0]}: {code}: {said[-800:]}")
    stage.server(["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", archive], "replay.log")
    wait_for("the replay's redis-server", 30, lambda: answers(Redis(socket)))
    code, said = stage.till("replay", "--from-archive", archive, "--into", "unix:" + socket, seconds=300)
    if code != 0: verdict.fault(f"till replay: {code}: {said[-1500:]}")
