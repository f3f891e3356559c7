# One chaos run: a stage, traffic at a rate, faults, then the verdict.
import random, threading, time
import faults, judge
from resp import Lost, ReplyError
from stage import STAGES, Trouble, wait_for
from traffic import Plan, Sender

STEP_S, REPAIR_S = 0.02, 5

class Run:
    def __init__(self, programs, topology, persistence, seed, rate, replicas=0, limit=None, length=1.0, say=lambda text: None):
        self.rng, self.rate, self.limit, self.scale, self.say = random.Random(seed), rate, limit, length, say
        self.replicas, settings = replicas, {"TILL_DURABILITY_REPLICAS": str(replicas)}
        self.stage = STAGES[topology](programs, persistence, settings=settings)
        self.plan = Plan(random.Random(f"{seed} traffic"), f"s{seed}")
        self.sender = Sender(self.stage, replicas)
        self.verdict, self.pumping, self.broken, self.reported = judge.Verdict(), False, None, 0
        self.healed_at = time.monotonic()

    def length(self, seconds): return seconds * self.scale * self.rng.uniform(0.5, 1)
    def healed(self): self.healed_at = time.monotonic()

    def other_master(self, port, partition):
        try: return self.stage.master_port(partition) != port and self.stage.master(partition).call("ROLE")[0] == b"master"
        except (Lost, ReplyError): return False

    def served(self):
        try: return all(self.stage.master(p).call("EXISTS", f"{{{self.stage.book}:{p}}}:lease") for p in range(self.stage.partitions))
        except (Lost, ReplyError): return False

    def open(self):
        for worker in self.stage.workers: worker.start()
        wait_for("the workers", 60, self.served)
        for intent in self.plan.opening(): self.sender.add(intent)
        self.flush()
        wait_for("the opening of the book", 60, lambda: judge.resting(self.stage))
        self.handles = max(worker.handles() for worker in self.stage.workers)
        self.memory = max(worker.memory() for worker in self.stage.workers)

    def flush(self, seconds=60):
        until = time.monotonic() + seconds
        while not self.sender.flush():
            if time.monotonic() > until: raise Trouble(f"{len(self.sender.waiting)} intents are not taken in")
            time.sleep(0.05)

    def pump(self):
        began, done = time.monotonic(), 0
        try:
            while self.pumping:
                time.sleep(STEP_S)
                due = int((time.monotonic() - began) * self.rate)
                if self.limit: due = min(due, self.limit)
                if len(self.sender.waiting) < 5000:
                    for _ in range(done, min(due, done + 500)): self.sender.add(self.plan.next())
                    done = max(done, min(due, done + 500))
                if self.sender.flush(): self.sender.observe()
                else: time.sleep(5 * STEP_S) # refused: not at full speed again
        except BaseException as error: self.broken = error

    def start(self):
        self.pumping = True
        self.thread = threading.Thread(target=self.pump, daemon=True)
        self.thread.start()

    def stop(self):
        self.pumping = False
        self.thread.join(60)
        if self.broken: raise self.broken

    def strike(self, name, fault):
        self.say(f"  {name}")
        fault(self)
        for worker in self.stage.workers:
            if worker.runs(): continue
            self.verdict.fault(f"worker {worker.number} ended by itself: {worker.text()[-300:]}")
            worker.start()

    def accept_losses(self):
        halted = judge.reported(self.stage)
        if not halted: return
        self.reported = max(self.reported, halted)
        self.repair()
        code, said = self.stage.till("accept-loss")
        if code != 0: self.verdict.fault(f"till accept-loss: {code}: {said[-300:]}")

    def repair(self, *words):
        """What partitions on different masters do not agree on any more. That something is left is for the audit to say, in the end."""
        code, said = self.stage.till("repair", "--timeout", "2s", *words)
        if code not in (0, 1): self.verdict.fault(f"till repair: {code}: {said[-300:]}")
        if "transfer" in said or "payment" in said: self.say(f"  repair: {said.strip().splitlines()[-1]}")

    def come_to_rest(self):
        """Seconds until nothing is under way; None: it never came to that."""
        now = time.monotonic()
        until, repair_at = now + judge.LIVENESS_S, now + REPAIR_S
        while time.monotonic() < until:
            self.accept_losses()
            if judge.resting(self.stage): return time.monotonic() - self.healed_at
            if time.monotonic() > repair_at:
                self.repair()
                repair_at = time.monotonic() + REPAIR_S
            time.sleep(0.05)
        return None

    def finish(self, replay=True):
        """Everything is in its place again: now all must be answered, or be sent again and answered."""
        verdict, sender = self.verdict, self.sender
        self.flush()
        self.recovery = self.come_to_rest()
        if self.recovery is None:
            verdict.fault(f"not at rest {judge.LIVENESS_S} s after the last fault: {judge.under_way(self.stage)}")
        if self.reported: self.repair()
        sent, told = judge.read_book(self.stage)
        lost, self.slowest = judge.missing(sender, sent), self.stage.slowest
        verdict.lost, verdict.undone, verdict.intents = len(lost), judge.undone(sender, told), len(sender.sent)
        self.reported = self.reported or sum("data_loss_suspected" in worker.text() for worker in self.stage.workers)
        if verdict.undone and not self.reported: verdict.fault(f"{verdict.undone} answers are gone, and nobody told")
        if self.replicas and verdict.lost + verdict.undone:
            verdict.fault(f"{verdict.lost} intents and {verdict.undone} answers are gone that a replica had")
        for who in sorted(lost, key=lambda who: sender.sent[who].number): sender.again(who)
        self.flush()
        if lost and self.come_to_rest() is None: verdict.fault("not at rest after sending again")
        if self.reported:
            self.repair("--take-back")
            self.repair()
        if lost: sent, told = judge.read_book(self.stage)
        judge.judge_answers(self.stage, sender, verdict, sent, told)
        judge.judge_book(self.stage, verdict)
        self.judge_leaks()
        if replay: judge.judge_replay(self.stage, verdict)
        for worker in self.stage.workers: worker.signal(15)
        return verdict

    def judge_leaks(self):
        for worker in self.stage.workers:
            lines = worker.text().count("\n")
            if worker.handles() > self.handles + 8:
                self.verdict.fault(f"worker {worker.number}: {worker.handles()} files open, {self.handles} before")
            if not self.stage.programs["sanitized"] and worker.memory() > self.memory + (64 << 20):
                self.verdict.fault(f"worker {worker.number}: {worker.memory() >> 20} MiB, {self.memory >> 20} before")
            if lines > 5000: self.verdict.fault(f"worker {worker.number} wrote {lines} lines")

    def close(self): self.stage.close()

def pick(rng, topology): return rng.choice(sorted(faults.FAULTS[topology].items()))
