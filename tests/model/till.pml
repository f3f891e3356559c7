/* till.pml: the protocol between producers, Redis and workers, for Spin to try every order in which its steps can happen.
 *
 * Two partitions, a and b. A producer puts intents on a's stream; what they cause in b goes there as a follow-up, and what comes of that
 * comes back to a. A partition has one or two lanes, which take it from each other. A `d_step` is one script or one command inside Redis;
 * between two of them a lane may be held up for any time, die and start again, or lose its connection.
 * README.md says what is left out, and why that changes nothing. */

#include "guards.pml"

mtype = { pay, open, transfer, adopt, arrive, settled }; /* entries: three intents, and the follow-ups they cause */
mtype = { none, apply, enqueue, answer, read };          /* commands */
mtype = { done, fenced, try_again };                     /* replies */

#define UNKNOWN 255
#define bit_of(e) (1 << (e))
#define is_original(p, e) (part[p].kind[e] == pay || part[p].kind[e] == open || part[p].kind[e] == transfer)

/* What Redis holds of a partition. Entries are numbered 1, 2, ...; a set of entries is a number with their bits. */
typedef partition {
    mtype kind[SIZE];   /* {p}:intents: what each entry is ... */
    byte about[SIZE];   /* ... and the intent's number, or of a follow-up its origin: the entry that caused it */
    byte length;
    byte delivered;     /* the group: last delivered ... */
    short pending;      /* ... and delivered, but not acknowledged, whoever has it */
    byte epoch;         /* meta: the fence, */
    byte applied;       /* the watermark, */
    byte from;          /* the last origin applied */
    short kept;         /* {p}:unanswered */
    /* For the properties only; no step looks at them. */
    byte folded;        /* so many entries were executed */
    short answered;     /* entries with an answer on a response stream */
    short owing;        /* entries whose outcome must reach the other partition */
    short told;         /* entries whose follow-up is on the other stream */
};
partition part[2];

byte bill[INTENTS + 1]; /* {a}:bills: the entry that decided the intent; 0: none */
byte final;             /* intents, by bit, whose bill is no longer in_progress */
byte effects[INTENTS + 1], arrivals[INTENTS + 1]; /* how often it took effect in a, and arrived in b */

/* A command on its way over a connection that its lane has given up: Redis may still get it. */
typedef wire { mtype what; byte sender; short batch; byte knew; bit lost; };
wire late[2];

hidden byte i, j, k, first; /* within one d_step */
hidden short owed, taken;
hidden mtype outcome;

inline xadd(to, what, ref) {
    part[to].length++;
    assert(part[to].length < SIZE); /* or the scenario needs more room */
    part[to].kind[part[to].length] = what;
    part[to].about[part[to].length] = ref
}

/* PROPERTY one answer: no entry has two. PROPERTY consequences first: whoever hears of an open finds its adopt on the way already. */
inline respond(p, e) {
    assert(!(part[p].answered & bit_of(e)));
    part[p].answered = part[p].answered | bit_of(e);
    assert(part[p].kind[e] != open || part[p].told & bit_of(bill[part[p].about[e]]))
}

/* PROPERTY nothing lost: what leaves the pending list was executed, is answered or will be by what comes back, and has told the other
 * partition what it must. Everything else is pending or not delivered yet, so somebody will find it. */
inline acknowledge(p, e) {
    assert(e <= part[p].folded);
    assert(!is_original(p, e) || (part[p].answered | part[p].owing) & bit_of(e));
    assert(!(part[p].owing & bit_of(e)) || part[p].told & bit_of(e));
    part[p].pending = part[p].pending & ~bit_of(e)
}

inline keep(p, e) {
    part[p].kept = part[p].kept | bit_of(e);
    owed = owed | bit_of(e)
}

/* An intent of a producer. PROPERTY one effect per intent. */
inline decide_intent(p, e) {
    j = part[p].about[e];
    if
    :: !is_known(j) ->
        effects[j]++;
        assert(effects[j] == 1);
        bill[j] = e;
        if
        :: part[p].kind[e] == pay -> final = final | bit_of(j); respond(p, e)
        :: part[p].kind[e] == open ->
            final = final | bit_of(j);
            if
            :: must_wait(p, e) -> keep(p, e)
            :: else -> respond(p, e)
            fi
        :: part[p].kind[e] == transfer -> part[p].owing = part[p].owing | bit_of(e); keep(p, e)
        fi
    :: else -> /* the first answer again, or that it is in progress */
        if
        :: part[p].kind[e] == open && part[p].kept & bit_of(bill[j]) -> keep(p, e)
        :: else -> respond(p, e)
        fi
    fi
}

/* What the other partition sent. PROPERTY a follow-up is applied once: an arrive pays out, however often it comes. An adopt may come again
 * and do nothing; so may a settled, which looks at the bill it is about. */
inline decide_follow_up(p, e) {
    if
    :: part[p].kind[e] == adopt -> skip
    :: part[p].kind[e] == arrive ->
        if
        :: is_news(p, e) ->
            j = part[A].about[part[p].about[e]];
            arrivals[j]++;
            assert(arrivals[j] == 1);
            part[p].owing = part[p].owing | bit_of(e);
            keep(p, e)
        :: else
        fi
    :: part[p].kind[e] == settled ->
        k = part[B].about[part[p].about[e]]; /* the original entry */
        j = part[A].about[k];
        if
        :: bill[j] == k && !(final & bit_of(j)) -> final = final | bit_of(j); respond(p, k)
        :: else
        fi
    fi;
    if
    :: part[p].about[e] > part[p].from -> part[p].from = part[p].about[e]
    :: else
    fi
}

/* PROPERTY a partition is a fold over its stream: each entry is executed once, and in stream order.
 * PROPERTY no decision is out of date: what the lane had looked up before the call is as it was when the batch began. */
inline execute(p, e, known) {
    assert(e == part[p].folded + 1);
    assert(known + 1 >= first);
    part[p].folded = e;
    if
    :: is_original(p, e) -> decide_intent(p, e)
    :: else -> decide_follow_up(p, e)
    fi;
    part[p].applied = e
}

/* apply.lua: `owed` are the entries still to be answered. */
inline do_apply(p, owner, entries, known) {
    owed = 0;
    if
    :: is_fenced(p, owner) -> outcome = fenced
    :: !is_fenced(p, owner) && is_early(p, entries) -> outcome = try_again
    :: else ->
        outcome = done;
        i = 1;
        first = 0;
        do
        :: i <= part[p].length && !(entries & bit_of(i)) -> i++
        :: i <= part[p].length && entries & bit_of(i) ->
            if
            :: first == 0 -> first = i
            :: else
            fi;
            if
            :: is_fresh(p, i) -> execute(p, i, known)
            :: else -> owed = owed | (part[p].kept & bit_of(i))
            fi;
            if
            :: owed & bit_of(i) -> skip
            :: else -> acknowledge(p, i)
            fi;
            i++
        :: else -> break
        od
    fi
}

/* enqueue.lua, in the other partition: nobody there knows this one's epoch, so it is not fenced. */
inline do_enqueue(p, entries) {
    i = 1;
    do
    :: i <= part[p].length && !(entries & bit_of(i)) -> i++
    :: i <= part[p].length && entries & bit_of(i) ->
        if
        :: part[p].kind[i] == transfer -> xadd(1 - p, arrive, i)
        :: part[p].kind[i] == open && bill[part[p].about[i]] == i -> xadd(1 - p, adopt, i)
        :: part[p].kind[i] == arrive -> xadd(1 - p, settled, i)
        :: else /* a repetition sends nothing */
        fi;
        part[p].told = part[p].told | bit_of(i);
        i++
    :: else -> break
    od;
    i = 0
}

/* answer.lua */
inline do_answer(p, owner, entries) {
    if
    :: is_fenced(p, owner) -> outcome = fenced
    :: else ->
        outcome = done;
        i = 1;
        do
        :: i <= part[p].length && !(entries & bit_of(i)) -> i++
        :: i <= part[p].length && entries & bit_of(i) ->
            if
            :: part[p].kept & bit_of(i) && part[p].kind[i] == open -> respond(p, i)
            :: else /* an outcome: its answer comes from elsewhere, or it has none */
            fi;
            part[p].kept = part[p].kept & ~bit_of(i);
            acknowledge(p, i);
            i++
        :: else -> break
        od
    fi
}

#define can_read(p) (part[p].delivered < part[p].length)

/* XREADGROUP: Redis knows no epochs, so a worker that was replaced still takes entries. */
inline do_read(p, into) {
    into = 0;
    i = 0;
    do
    :: i < BATCH && can_read(p) -> i++; part[p].delivered++; into = into | bit_of(part[p].delivered)
    :: else -> break
    od;
    part[p].pending = part[p].pending | into
}

/* claim.lua: the first page of what is pending, whoever has it. */
inline do_claim(p, owner, into) {
    into = 0;
    if
    :: is_fenced(p, owner) -> outcome = fenced
    :: else ->
        outcome = done;
        i = 0;
        do
        :: i < BATCH && part[p].pending & ~into -> i++; into = into | ((part[p].pending & ~into) & -(part[p].pending & ~into))
        :: else -> break
        od
    fi
}

/* What can happen to a lane instead of a command's reply: Redis never got it; or gets it late, perhaps at once; or the worker dies, and
 * starts again. It dies only while the lease can be taken once more: then there is always one who lives. */
#define loses_connection late[p].lost -> late[p].lost = 0; goto take_over
#define dies part[p].epoch < takes_of(p) -> goto idle
#define comes_late(command, list) \
    d_step { late[p].lost && may_be_late(command) -> late[p].lost = 0; late[p].what = command; late[p].sender = mine; \
             late[p].batch = list; late[p].knew = known }; goto take_over

/* A lane of partition p, the second one or not (which takes it second, and that halves the work). `known`: everything up to this entry is
 * in what it has looked up or keeps a copy of. */
proctype lane(bit p, second) {
    byte mine, known;
    short batch, ahead, todo;
    mtype reply;
    bit catching_up;

idle: /* the lease lapses whenever another one wants it: nothing depends on when */
    atomic {
        d_step { mine = 0; known = 0; batch = 0; ahead = 0; todo = 0; reply = none; catching_up = 0 };
end_idle:
        d_step { part[p].epoch < takes_of(p) && part[p].epoch >= second -> part[p].epoch++; mine = part[p].epoch; known = UNKNOWN };
        goto take_over
    };
take_over:
    atomic {
        d_step { batch = 0; ahead = 0; todo = 0; reply = none; catching_up = 1; forget(known) };
claim:
        if
        :: d_step {
            do_claim(p, mine, batch);
            reply = outcome;
            if
            :: known == UNKNOWN -> known = part[p].folded
            :: else
            fi }
        :: loses_connection
        :: dies
        fi;
        if
        :: reply == fenced -> goto idle
        :: reply == done && batch == 0 -> catching_up = 0; reply = none; goto serve
        :: else -> reply = none
        fi
    };
decide:
    atomic {
        if
        :: d_step { do_apply(p, mine, batch, known); reply = outcome; todo = owed }
        :: loses_connection
        :: comes_late(apply, batch)
        :: dies
        fi;
        if
        :: loses_connection
        :: !catching_up && can_read(p) -> skip
        :: true -> goto decided
        fi
    };
    atomic { /* the next read was sent right behind, whatever the reply will be */
        d_step { do_read(p, ahead) };
decided:
        if
        :: reply == fenced -> goto idle
        :: reply == try_again -> goto take_over
        :: else
        fi;
        d_step {
            do
            :: batch >= 2 << known -> known++
            :: else -> break
            od;
            reply = none;
            batch = 0
        };
        if
        :: todo == 0 -> goto next
        :: else
        fi
    };
    atomic {
        if
        :: d_step { do_enqueue(p, todo) }
        :: loses_connection
        :: comes_late(enqueue, todo)
        :: dies
        fi
    };
    atomic {
        if
        :: d_step { do_answer(p, mine, todo); reply = outcome; todo = 0 }
        :: loses_connection
        :: comes_late(answer, todo)
        :: dies
        fi;
        if
        :: reply == fenced -> goto idle
        :: else -> reply = none
        fi;
next:
        if
        :: catching_up -> goto claim
        :: !catching_up && ahead -> d_step { batch = ahead; ahead = 0 }; goto decide
        :: else
        fi
    };
serve:
end_serve:
    atomic {
        if
        :: d_step { can_read(p) -> do_read(p, batch) };
            if
            :: loses_connection
            :: goto decide
            fi
        :: !can_read(p) && is_left(p) -> goto take_over
        :: !can_read(p) && part[p].epoch != mine -> goto idle
        :: comes_late(read, 0)
        :: dies
        fi
    }
}

/* Brings late commands to Redis. */
proctype network(bit p) {
end:
    do
    :: d_step {
        late[p].what != none && (late[p].what != read || can_read(p)) ->
        if
        :: late[p].what == apply -> do_apply(p, late[p].sender, late[p].batch, late[p].knew)
        :: late[p].what == enqueue -> do_enqueue(p, late[p].batch)
        :: late[p].what == answer -> do_answer(p, late[p].sender, late[p].batch)
        :: late[p].what == read -> do_read(p, taken)
        fi;
        late[p].what = none; late[p].sender = 0; late[p].batch = 0; late[p].knew = 0 }
    od
}

proctype producer() {
    byte sent, again;
    do
    :: d_step { sent < INTENTS -> sent++; xadd(A, op_of(sent), sent) }
    :: d_step { again < RESENDS && sent > 0 -> again++; xadd(A, op_of(1), 1) }
    :: d_step { again < RESENDS && sent > 1 -> again++; xadd(A, op_of(2), 2) }
    :: sent == INTENTS -> break
    od
}

#define is_finished(p) (part[p].delivered == part[p].length && part[p].pending == 0 && part[p].kept == 0)

/* PROPERTY answered in the end: when nothing more can happen, everything has. (That no run goes on for ever is another search: ./check.) */
proctype judge() {
    timeout;
    d_step {
        assert(is_finished(A) && (TAKES_B == 0 || is_finished(B)));
        i = 1;
        do
        :: i <= part[A].length -> assert(!is_original(A, i) || part[A].answered & bit_of(i)); i++
        :: else -> break
        od;
        i = 1;
        do
        :: i <= INTENTS -> assert(effects[i] == 1 && arrivals[i] == (op_of(i) == transfer -> 1 : 0)); i++
        :: else -> break
        od
    }
}

init {
    atomic {
        late[A].what = none; late[A].lost = LOST_A;
        late[B].what = none; late[B].lost = LOST_B;
        run lane(A, 0);
        if :: TAKES_A > 1 -> run lane(A, 1) :: else fi;
        if :: TAKES_B > 0 -> run lane(B, 0) :: else fi;
        if :: TAKES_B > 1 -> run lane(B, 1) :: else fi;
        if :: LOST_A -> run network(A) :: else fi;
        if :: LOST_B -> run network(B) :: else fi;
        run producer();
        run judge()
    }
}
