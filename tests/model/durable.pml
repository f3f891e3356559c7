/* durable.pml: what is told under durability survives a failover. For Spin to try every order in which the steps can happen.
 *
 * A partition on a master with a replica, which takes the master's place at any moment, with what it has got by then. Two lanes take the
 * partition from each other, die and start again. A producer counts an intent as enqueued when the replica has it. Each intent has a
 * consequence in another partition, on a server where nothing is lost. A lane goes on applying while it waits: a question is about what was
 * applied before it was asked. A `d_step` is one script or one command inside Redis. Groups, batches and late commands are till.pml's
 * matter. */

#ifndef INTENTS
#define INTENTS 2
#endif
#ifndef FAILOVERS
#define FAILOVERS 2
#endif
#ifndef TAKES
#define TAKES 3  /* how often the lease is taken without need */
#endif
#define SIZE 6   /* room in the stream, entry 0 unused */
#define bit_of(n) (1 << (n))

/* durable_hear: between what was applied and the first who hears of it. */
#ifdef WITHOUT_WAIT
#define has_all(who) true
#else
#define has_all(who) (wrote[who] <= replica.version)
#endif
/* Behind a write of its own, as WAIT answers for what its connection wrote only. */
#ifdef WITHOUT_RENEWAL
#define renew(who) skip
#else
#define renew(who) master.version++; wrote[who] = master.version
#endif
/* outbox.asked: what is applied while a question is under way waits for the next one. */
#ifdef WITHOUT_ASKING_AGAIN
#define note_applied(entry) if :: asked -> asked = asked | bit_of(entry) :: else fi
#else
#define note_applied(entry) skip
#endif
/* keep.lua, hold_answers: the script itself tells nobody. */
#ifdef WITHOUT_KEEPING
#define tell_at_once(e) respond(e)
#else
#define tell_at_once(e) skip
#endif
/* till_send under `durable`: what is not on the replica yet is sent again. */
#ifdef WITHOUT_SENDERS_WAIT
#define is_enqueued true
#else
#define is_enqueued (wrote[PRODUCER] <= replica.version)
#endif

typedef server {
    byte intent[SIZE];      /* {p}:intents: whose each entry is */
    byte length;
    byte bill[INTENTS + 1]; /* the entry that decided an intent; 0: none */
    byte epoch, applied;    /* {p}:meta */
    short kept;             /* {p}:unanswered */
    short answered;         /* entries with an answer on the response stream */
    short acknowledged;
    byte version;           /* so much was written since the replica had everything */
};
server master, replica;

byte failovers, takes, holder; /* holder: the epoch of the lane that serves; 0: it died */
byte from, arrivals[INTENTS + 1]; /* the other partition: the last origin applied, and how often each intent's consequence was */
short enqueued, told; /* intents: who sent it may forget it; somebody read an answer to it */
#define PRODUCER 2
byte wrote[3]; /* the version that each of them asks about: the lanes, the producer */
hidden byte n, e;

inline copy(to, what) {
    n = 0;
    do
    :: n < SIZE -> to.intent[n] = what.intent[n]; n++
    :: else -> break
    od;
    n = 0;
    do
    :: n <= INTENTS -> to.bill[n] = what.bill[n]; n++
    :: else -> break
    od;
    to.length = what.length; to.epoch = what.epoch; to.applied = what.applied; to.kept = what.kept;
    to.answered = what.answered; to.acknowledged = what.acknowledged;
    to.version = 0; what.version = 0; /* both have everything: so it can be counted from here */
    wrote[0] = 0; wrote[1] = 0; wrote[PRODUCER] = 0
}

/* PROPERTY one answer. */
inline respond(entry) {
    assert(!(master.answered & bit_of(entry)));
    master.answered = master.answered | bit_of(entry);
    told = told | bit_of(master.intent[entry])
}

/* apply.lua: a repetition, too, hears nothing before what it repeats is safe. */
inline do_apply(entry) {
    if
    :: entry <= master.applied -> skip
    :: else ->
        if
        :: master.bill[master.intent[entry]] == 0 -> master.bill[master.intent[entry]] = entry
        :: else
        fi;
        tell_at_once(entry);
        master.kept = master.kept | bit_of(entry);
        master.applied = entry;
        master.version++
    fi
}

/* enqueue.lua, and there decide.lua: what came from an origin at or below the last one came before. */
inline do_enqueue(entry) {
    if
    :: master.bill[master.intent[entry]] == entry && entry > from ->
        from = entry;
        arrivals[master.intent[entry]]++;
        assert(arrivals[master.intent[entry]] == 1)
    :: else
    fi
}

/* answer.lua */
inline do_answer(entry) {
    if
    :: !(master.answered & bit_of(entry)) -> respond(entry)
    :: else
    fi;
    master.kept = master.kept & ~bit_of(entry);
    master.acknowledged = master.acknowledged | bit_of(entry);
    master.version++
}

#define is_cut_off (seen != failovers)
#define is_fenced (master.epoch != mine)
#define may_be_taken (takes < TAKES || holder == 0 || master.epoch != holder)

/* Each step: it happens; or the master is gone, and the lane goes on with the new one; or somebody else took over; or the lane dies. */
#define or_not \
    :: is_cut_off -> goto connect \
    :: !is_cut_off && is_fenced -> goto idle \
    :: takes < TAKES -> goto idle

/* The oldest of a set of entries. */
inline find_first(set) {
    e = 1;
    do
    :: !(set & bit_of(e)) -> e++
    :: else -> break
    od
}

proctype lane(byte me) {
    byte mine, entry, seen;
    short waiting, asked; /* entries: applied here and not answered yet; those of them that the question under way is about */

idle:
    atomic {
        d_step {
            if
            :: holder == mine -> holder = 0
            :: else
            fi;
            mine = 0; entry = 0; wrote[me] = 0; seen = 0; waiting = 0; asked = 0
        };
end_idle:
        /* lease.lua: an epoch is never given twice, as it is above the clock */
        d_step { may_be_taken -> takes++; mine = takes; holder = mine; master.epoch = mine; master.version++ }
    };
connect:
    atomic { seen = failovers; wrote[me] = 0; entry = 0; waiting = 0; asked = 0 };
end_look:
    atomic {
        if
        :: d_step { /* the next one, whatever waits */
            !is_cut_off && !is_fenced && (master.acknowledged | waiting) != bit_of(master.length + 1) - 2 ->
            find_first(~(master.acknowledged | waiting));
            waiting = waiting | bit_of(e);
            note_applied(e);
            do_apply(e) }
        :: d_step { !is_cut_off && !is_fenced && waiting && !asked -> asked = waiting; renew(me) }
        :: d_step {
            !is_cut_off && asked && has_all(me) ->
            find_first(asked);
            entry = e }
        or_not
        fi
    };
    if
    :: entry == 0 -> goto end_look
    :: else
    fi;
    atomic {
        if
        :: d_step { !is_cut_off -> do_enqueue(entry) }
        or_not
        fi
    };
    atomic {
        if
        :: d_step {
            !is_cut_off && !is_fenced ->
            do_answer(entry);
            waiting = waiting & ~bit_of(entry);
            asked = asked & ~bit_of(entry);
            entry = 0;
            if
            :: !asked -> wrote[me] = 0
            :: else
            fi }
        or_not
        fi
    };
    goto end_look
}

proctype producer() {
    byte intent, seen;
    intent = 1;
    do
    :: intent > INTENTS -> break
    :: else ->
        atomic {
            d_step {
                seen = failovers;
                master.length++;
                assert(master.length < SIZE);
                master.intent[master.length] = intent;
                master.version++;
                wrote[PRODUCER] = master.version
            };
            if
            :: !is_cut_off && is_enqueued -> enqueued = enqueued | bit_of(intent); intent++
            :: is_cut_off -> skip /* nobody knows: once more */
            fi
        }
    od
}

/* Replication: at any time, or not. */
proctype link() {
end:
    do
    :: d_step { master.version > 0 -> copy(replica, master) }
    od
}

inline is_sent(i) {
    e = 1;
    do
    :: e <= master.length && master.intent[e] != i -> e++
    :: else -> break
    od
}

/* The replica is the master now, and another one, or the old one once it has followed, has what it has.
 * PROPERTIES nothing is lost that anybody was told of: who counted an intent as enqueued finds it there; who read an answer finds the
 * decision; what the other partition booked is booked here. */
proctype sentinel() {
end:
    do
    :: d_step {
        failovers < FAILOVERS ->
        failovers++;
        copy(master, replica);
        n = 1;
        do
        :: n <= INTENTS ->
            is_sent(n);
            assert(!(enqueued & bit_of(n)) || e <= master.length);
            assert(!(told & bit_of(n)) || master.bill[n] > 0);
            assert(arrivals[n] == 0 || master.bill[n] > 0);
            n++
        :: else -> break
        od }
    od
}

/* PROPERTY answered in the end. */
proctype judge() {
    timeout;
    d_step {
        n = 1;
        do
        :: n <= INTENTS ->
            assert(enqueued & told & bit_of(n));
            assert(master.bill[n] > 0 && arrivals[n] == 1);
            n++
        :: else -> break
        od;
        assert(master.kept == 0)
    }
}

init {
    atomic { run lane(0); run lane(1); run link(); run sentinel(); run producer(); run judge() }
}
