#!/bin/bash
# The rights of the roles at Redis: the files in config/acl/ are what `till acl` prints, everything that a role is for works under them, and
# what it is not for is refused. Redis runs with the default user off, so nothing here works by accident.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"
acl=$root/config/acl

cli() { redis-cli -p "$port" --user admin --pass admin-secret --no-auth-warning "$@"; }

# as ROLE COMMAND...: the command with the role's user and password in its configuration, and the operator with the book's secret.
secret=""
as() {
    local role=$1 own=""
    shift
    [ "$role" != operator ] || own=$secret
    TILL_BOOK_SECRET_FILE=$own TILL_REDIS_URL=redis://till-$role:@127.0.0.1:$port TILL_REDIS_PASSWORD_FILE=$dir/$role.password "$@"
}

raw() { # raw ROLE COMMAND...: straight at Redis
    local role=$1
    shift
    timeout 10 redis-cli -p "$port" --user "till-$role" --pass "$role-secret" --no-auth-warning "$@" 2>&1
}

refused() {
    raw "$@" | grep -qE "^(EXECABORT .*)?NOPERM|ACL failure in script|user executing the script can't" && return
    fail "not refused: $*: $(raw "$@")"
    return 1
}

# The files.
for role in worker operator auditor "producer --source shop"; do
    "$TILL" acl $role | cmp - "$acl/${role%% *}.acl" || fail "config/acl/${role%% *}.acl is not what till acl $role prints"
done
expect 0 "user prod-producer-web on" "$TILL" acl producer --source web --book prod
expect 0 "(%R~{prod:*}:responses:web +xinfo|stream +xread +xrevrange)" "$TILL" acl producer --source web --book prod
TILL_BOOK_NAME=prod expect 0 "%R~{prod}:* %R~{prod:*}:*" "$TILL" acl auditor
"$TILL" acl worker --book prod | sed 's/user prod-worker//' | grep -q till && fail "another book's rights name the book till"
"$TILL" acl producer --source shop | grep -q 'account\|bills' && fail "a producer may read accounts without --lookup"
expect 0 "(%R~{till:*}:account:* %R~{till:*}:bills:* +hexists +hget +hmget)" "$TILL" acl producer --source shop --lookup
json 0 '.[0] | .user == "me" and .role == "auditor" and (.rights | test("^on .*[+]xrange"))' "$TILL" acl auditor --user me --json
"$TILL" acl worker | grep -q waitaof && fail "Redis 7.0 would refuse the line"
for role in worker "producer --source shop"; do expect 0 "+wait +waitaof" "$TILL" acl $role --aof; done
expect 100 "no role 'king'" "$TILL" acl king
expect 100 "which --source?" "$TILL" acl producer
expect 100 "--source till is for workers" "$TILL" acl producer --source till
expect 100 "--source a*" "$TILL" acl producer --source 'a*'
expect 100 "--source is for a producer" "$TILL" acl worker --source shop
expect 100 "--lookup is for a producer" "$TILL" acl worker --lookup
expect 100 "--user a b" "$TILL" acl worker --user 'a b'
expect 100 "--book a}b" "$TILL" acl worker --book 'a}b'
(umask 022; echo open >open.password)
expect 100 "chmod 600" "$TILL" acl worker --password-file open.password

# Every command that stands in the sources is in the role that runs it, also those that no test here comes by.
holds() { # holds ROLE WORD...: in the role's file
    local role=$1 word
    shift
    for word; do grep -qE "\+${word,,}([ |)]|$)" "$acl/$role.acl" || fail "the role $role lacks $word"; done
}
holds worker $(find "$root/schema/lua" -name '*.lua' ! -name requeue.lua ! -name discard.lua ! -name rebuild.lua ! -name feed.lua \
    ! -name close.lua ! -name own.lua ! -name move.lua -exec grep -ohE "call\('[A-Z]+'" {} + | tr -cd 'A-Z\n' | sort -u)
holds operator $(grep -ohE "call\('[A-Z]+'" "$root/schema/lua/requeue.lua" "$root/schema/lua/discard.lua" | tr -cd 'A-Z\n' | sort -u)
words() {
    grep -hE '(command_begin|append[a-z_]*)\(' "$@" | grep -oE '"[A-Z]{3,}"' | tr -d '"' | grep -vxE "GROUPS|STREAM|SENTINEL" |
        sort -u
}
admins="repartition_\|chaos\|bench\|own_book"
holds auditor $(words "$root"/producer/*.c $(ls "$root"/producer/cli/*.c | grep -v "$admins") |
    grep -vxE "AUTH|SELECT|XADD|EVALSHA|SCRIPT|FCALL|FUNCTION|HDEL|HSET|CONFIG|ACL|COMMAND|DEL|WAIT|WAITAOF") # logging in, others'
holds producer WAIT
holds worker EVALSHA SCRIPT FCALL "FUNCTION|LOAD" WAIT $(words "$root"/worker/*.c)
holds operator EVALSHA SCRIPT

# Redis, as it should be run. A unix socket has no users, so by port; another one is tried when it is taken.
for role in worker operator auditor producer-shop producer-web producer-seer; do
    (umask 077; echo "$role-secret" >"$role.password")
    case $role in
    producer-seer) line="producer --source seer --lookup" ;;
    producer-*) line="producer --source ${role#producer-}" ;;
    *) line=$role ;;
    esac
    "$TILL" acl $line --password-file "$role.password"
done >users.acl
echo "user default off" >>users.acl
echo "user admin on >admin-secret ~* &* +@all" >>users.acl
for try in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 20000))
    redis-server --port $port --bind 127.0.0.1 --save "" --appendonly yes --dir "$dir" --aclfile "$dir/users.acl" >redis.log 2>&1 &
    redis=$!
    pids="$pids $redis"
    for wait in $(seq 100); do
        cli ping 2>/dev/null | grep -q PONG && kill -0 $redis 2>/dev/null && break 2
        kill -0 $redis 2>/dev/null || break
        sleep 0.05
    done
    [ $try != 5 ] || { cat redis.log; exit 1; }
done
raw nobody ping | grep -q WRONGPASS || fail "an unknown user gets in"
redis-cli -p "$port" ping | grep -q NOAUTH || fail "the default user gets in"
bad=0 refused worker ping >/dev/null || fail "ping is not refused to the worker"
bad=0 refused worker time >/dev/null && fail "the check of refusals does not see that a command is allowed"

start_role_worker() {
    TILL_BOOK_SECRET_FILE=$secret TILL_REDIS_URL=redis://till-worker:@127.0.0.1:$port TILL_REDIS_PASSWORD_FILE=$dir/worker.password \
        TILL_ARCHIVE_DIR=$dir/books TILL_RETENTION_LEDGER=1d TILL_RETENTION_DEAD=1d TILL_RETENTION_DISCARDED=1d \
        "$TILL_WORKER" 2>>worker.log & # not by `as`: a function would be a process in between
    worker=$!
    pids="$pids $worker"
    wait_for 20 eval "as auditor \"\$TILL\" status --no-rate --json | jq -e '[.partitions[] | .owner != null] | length > 0 and all'"
}

# What each role is for.
(umask 077; head -c 32 /dev/urandom >book.secret)
secret=$dir/book.secret
start_role_worker
cli acl log reset >/dev/null
shop="as producer-shop $TILL"
operator="as operator $TILL"
auditor="as auditor $TILL"
expect 0 "ok (0)" $shop open --source shop --account alice --kind user --currency CNY
expect 0 "ok (0)" $shop open --source shop --account coffee --kind merchant --currency CNY # its follow-ups go to every partition
expect 0 "ok (0)" $shop topup --source shop --account alice --amount 10000 --currency CNY
expect 0 "ok (0)" $shop pay --source shop --key k1 --account alice --to coffee --amount 1999 --currency CNY
expect 0 "ok (0)" $shop refund --source shop --account alice --of k1 --amount 99
expect 0 "ok (0)" as producer-web "$TILL" inquire --source web --account alice
json 0 'length == 5 and all(.source == "shop")' $shop watch --source shop --from 0 --limit 5 --json
for n in 1 2 3 4 5 6 7 8 9; do
    echo '{"op":"topup","account":"alice","amount":1,"currency":"CNY","source":"shop","key":"n'$n'"}'
done >n.jsonl
json 0 '.[-1].summary | .sent == 9 and .answered == 9' $shop send n.jsonl --wait --json

# The rest of what a source sends: with follow-ups to other partitions, to the own one by and by, in a group, and signed.
p=$(as producer-seer "$TILL" account alice --json | jq .partition)
for bob in b1 b2 b3 b4 b5 b6; do
    expect 0 "ok (0)" $shop open --source shop --account $bob --kind user --currency CNY
    [ "$(as producer-seer "$TILL" account $bob --json | jq .partition)" = "$p" ] || break
done
expect 0 "ok (0)" $shop transfer --source shop --account alice --to $bob --amount 30
expect 1 "not_found (1)" $shop transfer --source shop --account alice --to nobody-at-all --amount 30
expect 0 "ok (0)" $shop transfer --source shop --account $bob --to alice --amount 30
expect 0 "ok (0)" $shop hold --source shop --key h1 --account alice --to coffee --amount 900 --currency CNY --expires 15m
expect 0 "ok (0)" $shop capture --source shop --account alice --of h1 --amount 0300 --final no
expect 0 "ok (0)" $shop release --source shop --account alice --of h1
expect 0 "ok (0)" $shop topup --source shop --account alice --amount 300 --currency CNY
expect 0 "ok (0)" $shop hold --source shop --key h2 --account alice --to coffee --amount 5 --currency CNY --expires 200ms
expect 0 "" $shop topup --source shop --key later --account alice --amount 7 --currency CNY --not-before +1s
expect 0 "" $shop topup --source shop --key never --account alice --amount 7 --currency CNY --not-before +1h
expect 0 "ok (0)" $shop unschedule --source shop --account alice --of never
wait_for 10 eval "as producer-seer \"\$TILL\" bill alice shop later --json | jq -e '.code == 0'"
wait_for 10 eval "as producer-seer \"\$TILL\" bill alice shop h2 --json | jq -e '.state == \"expired\"'"
expect 0 "ok (0)" $shop withdraw --source shop --account alice --amount 7
expect 0 "ok (0)" $shop group --source shop --account alice --currency CNY 'pay to=coffee amount=1' 'pay to=coffee amount=2'
expect 0 "ok (0)" $shop topup --source shop --account alice --amount 3 --currency CNY
expect 0 "ok (0)" $shop lock --source shop --account alice --token t1 --expires 5m
expect 0 "ok (0)" $shop unlock --source shop --account alice --token t1
expect 0 "ok (0)" $shop limit --source shop --account $bob --payments 100 --per 1m

# Orders: made, cancelled, lapsed, and paid from every partition. Nothing is moved: what is paid is given back.
order="$shop order --source shop coffee"
expect 0 "ok (0)" $shop price --source shop coffee tea 5
expect 0 "ok (0)" $shop stock --source shop coffee tea +9
expect 0 "ok (0)" $order o1 --line tea=1 --to alice
expect 0 "ok (0)" $order o2 --line tea=1 --expires 200ms
expect 0 "ok (0)" $order o3 --line tea=1 --to $bob
expect 0 "ok (0)" $order o4 --amount 5
expect 0 "ok (0)" $shop cancel --source shop coffee o4
expect 0 "ok (0)" $shop pay --source shop --key o1 --account alice --to coffee --order o1 --amount 5 --currency CNY
expect 0 "ok (0)" $shop refund --source shop --account alice --of o1
expect 0 "ok (0)" $shop topup --source shop --account $bob --amount 5 --currency CNY
expect 0 "ok (0)" $shop pay --source shop --key o3 --account $bob --to coffee --order o3 --amount 5 --currency CNY
expect 0 "ok (0)" $shop refund --source shop --account $bob --of o3
expect 0 "ok (0)" $shop withdraw --source shop --account $bob --amount 5
wait_for 10 eval "as producer-seer \"\$TILL\" orders coffee o2 --json | jq -e '.state == \"lapsed\"'"
expect 0 "paid" as producer-seer "$TILL" orders coffee o1
expect 0 "tea" as producer-seer "$TILL" articles coffee tea
(umask 077; echo carols-secret >carol.password)
expect 0 "ok (0)" $shop open --source shop --account carol --kind user --currency CNY --password-file carol.password
expect 0 "ok (0)" $shop topup --source shop --account carol --amount 5 --currency CNY
expect 1 "not_permitted (2)" $shop pay --source shop --account carol --to coffee --amount 1 --currency CNY
expect 0 "ok (0)" $shop withdraw --source shop --account carol --amount 5 --password-file carol.password
expect 0 "8109" as producer-seer "$TILL" account alice
expect 0 "ok (0)" as producer-seer "$TILL" bill alice shop k1
for role in auditor operator; do
    look="as $role $TILL"
    expect 0 "8109" $look account alice
    expect 0 "2203" $look account coffee --shards
    expect 0 "ok (0)" $look bill alice shop k1
    expect 0 "refund" $look ledger --account alice
    expect 0 "lapsed" $look orders coffee
    expect 0 "tea" $look articles coffee
    expect 0 "ledger" $look ledger --json
    json 0 'length == 20' $look watch --source shop --from 0 --limit 20 --json
    expect 0 "served" $look status
    json 0 '.[0].sound' $look audit --json
    json 0 'length == 0' $look dead list --json
    expect 0 "no partition is halted" $look accept-loss --list
    expect 0 "UP TO" $look archive "archive-$role"
done

# The operator acts.
expect 0 "ok (0)" $operator freeze --account alice
expect 1 "account_frozen (4)" $shop pay --source shop --account alice --to coffee --amount 1 --currency CNY
expect 0 "ok (0)" $operator thaw --account alice
expect 0 "ok (0)" $operator freeze --account coffee
expect 0 "ok (0)" $operator thaw --account coffee
expect 0 "" $operator policy duplicate_window=0 fee=250
expect 1 "not_permitted (2)" $shop policy --source shop fee=9999
bury() { # an entry that nobody can read, as the shop could send it
    raw producer-shop xadd '{till:0}:intents' '*' intent nonsense >/dev/null
    wait_for 10 eval "$auditor dead list --json | jq -e .id"
    dead=$($auditor dead list --json | jq -r .id)
}
bury
expect 0 "0x6e6f6e73656e7365" $auditor dead show "$dead"
expect 0 "requeued as" $operator dead requeue "$dead"
wait_for 10 eval "$auditor dead list --json | jq -e .id"
expect 0 "discarded" $operator dead discard "$($auditor dead list --json | jq -r .id)" --reason "a test"
cli hset '{till:2}:meta' halted "bill 7 was acknowledged, 5 is there" >/dev/null
expect 0 "accepted" $operator accept-loss
expect 0 "0 repaired" $operator repair
expect 0 "partition 2 paused" $operator pause --partition 2
expect 0 "partition 2 goes on" $operator resume --partition 2
expect 0 "drained" $auditor drain
cli hdel '{till:2}:meta' halted >/dev/null

# Another worker finds the consumers and leases of the one before.
kill "$worker"
wait "$worker"
start_role_worker
expect 0 "ok (0)" $shop topup --source shop --account alice --amount 1 --currency CNY
wait_for 20 eval "as auditor \"\$TILL\" status --no-rate --json |
    jq -e '[.streams[] | select(.unarchived != null)] | length == 2 and all(.unarchived == 0)'"
expect 0 "sound" "$TILL" archive verify books
grep -E "NOPERM|partition_waits|fenced|archive_waits|trim_refused" worker.log && fail "a worker lacks a right"

# Nothing of all that was refused.
cli --json acl log 100 | jq -r '.[] | "\(.username) \(.object)"' | sort -u >unexpected
[ ! -s unexpected ] || fail "refused in the middle of its work: $(cat unexpected)"

# The rights that workers had before there were functions: the script does it then, which is said once and is all there is to say.
grep -q "applies_by.*way=function" worker.log || fail "a worker with all rights does not call the function"
"$TILL" acl worker | sed 's/^user/ACL SETUSER/; s/ +fcall//; s/ +function|load//; s/ +pttl//' | cli >/dev/null
kill "$worker"
wait "$worker"
before=$(wc -l <worker.log)
start_role_worker
expect 0 "ok (0)" $shop inquire --source shop --account alice
[ "$(tail -n +$((before + 1)) worker.log | grep -c "NOPERM")" = 1 ] || fail "said otherwise: $(tail -n +$((before + 1)) worker.log)"
tail -n +$((before + 1)) worker.log | grep -qE 'applies_by.*way=script because="NOPERM' || fail "it is not said how batches are applied"
"$TILL" acl worker | sed 's/^user/ACL SETUSER/' | cli >/dev/null

# A producer that looks up has no list of names, others look up nothing.
expect 100 "NOPERM" as producer-seer "$TILL" orders coffee
expect 100 "NOPERM" $shop orders coffee o1
expect 100 "NOPERM" $shop articles coffee tea

# The doctor says whether a user has the rights of a role, and what puts it right does so.
expect 0 "has the 19 rights of role producer" $shop doctor --role producer --source shop
expect 0 "rights of role worker on book till" as worker "$TILL" doctor --role worker
expect 0 "rights of role auditor on book till" $auditor doctor --role auditor
expect 0 "rights of role operator on book till" $operator doctor --role operator
expect 1 "lacks rights of role operator: +script|load +xadd +evalsha +xdel +hdel +hset" $auditor doctor --role operator
expect 1 "lacks rights of role producer: keys" $shop doctor --role producer --source web
expect 1 "+xgroup|create" $auditor doctor
before=$(cli --raw keys '*' | sort)
expect 1 "lacks rights" $shop doctor --role worker
expect 0 "rights of role worker" as worker "$TILL" doctor --role worker
[ "$(cli --raw keys '*' | sort)" = "$before" ] || fail "the doctor leaves keys behind"
cli acl setuser till-worker -xreadgroup clearselectors >/dev/null
expect 1 "lacks rights of role worker" as worker "$TILL" doctor --role worker
fix=$(as worker "$TILL" doctor --role worker --json | jq -r '.findings[] | select(.about == "rights") | .fix')
till() { "$TILL" "$@"; }
eval "${fix% | redis-cli}" | cli | grep -q OK || fail "the doctor's fix is none: $fix"
expect 0 "rights of role worker" as worker "$TILL" doctor --role worker
cli acl setuser till-worker -multi >/dev/null
expect 1 "cannot be tried" as worker "$TILL" doctor --role worker
cli acl setuser till-worker +multi >/dev/null

# What each role is not for. Everything here would do harm, or tell, if it were done: {till:2} is where alice lives.
p=$(as auditor "$TILL" account alice --json | jq .partition)
today=$(date -u +%Y%m%d)
cli set "{other}:book" x >/dev/null
set -f
while read -r roles command; do
    [ -n "$roles" ] || continue
    for role in ${roles//,/ }; do refused "$role" ${command//PART/till:$p} </dev/null; done
done <<END
producer-shop,producer-seer,worker,operator,auditor flushall
producer-shop,producer-seer,worker,operator,auditor flushdb
producer-shop,producer-seer,worker,operator,auditor config set maxmemory-policy allkeys-lru
producer-shop,producer-seer,worker,operator,auditor config get requirepass
producer-shop,producer-seer,worker,operator,auditor config rewrite
producer-shop,producer-seer,worker,operator,auditor keys *
producer-shop,producer-seer,worker,operator,auditor script flush
producer-shop,producer-seer,worker,operator,auditor script kill
producer-shop,producer-seer,operator,auditor function load x
producer-shop,producer-seer,worker,operator,auditor acl setuser till-producer-shop +@all
producer-shop,producer-seer,worker,operator,auditor acl list
producer-shop,producer-seer,worker,operator,auditor acl getuser till-worker
producer-shop,producer-seer,worker,operator,auditor client list
producer-shop,producer-seer,operator,auditor client kill type normal
producer-shop,producer-seer,worker,operator,auditor client no-evict on
producer-shop,producer-seer,worker,operator,auditor shutdown nosave
producer-shop,producer-seer,worker,operator,auditor replicaof no one
producer-shop,producer-seer,worker,operator,auditor save
producer-shop,producer-seer,worker,operator,auditor swapdb 0 1
producer-shop,producer-seer,worker,operator,auditor select 1
producer-shop,producer-seer,worker,operator,auditor exec
producer-shop,producer-seer,worker,operator,auditor eval return(1) 0
producer-shop,producer-seer,worker,operator,auditor get {other}:book
producer-shop,producer-seer,worker,operator,auditor xadd {other:0}:intents * intent x
producer-shop,producer-seer,worker,operator,auditor del {PART}:intents
producer-shop,producer-seer,worker,operator,auditor unlink {PART}:ledger
producer-shop,producer-seer,worker,operator,auditor unlink {PART}:account:alice
producer-shop,producer-seer,worker,operator,auditor rename {PART}:account:alice {PART}:account:mallory
producer-shop,producer-seer,worker,operator,auditor copy {PART}:account:alice {PART}:account:mallory
producer-shop,producer-seer,worker,operator,auditor restore {PART}:account:mallory 0 x
producer-shop,producer-seer,worker,operator,auditor dump {PART}:account:alice
producer-shop,producer-seer,worker,operator,auditor expire {PART}:account:alice 1
producer-shop,producer-seer,operator,auditor xtrim {PART}:intents maxlen 0
producer-shop,producer-seer,worker,operator,auditor xdel {PART}:intents 0-1
producer-shop,producer-seer,worker,operator,auditor xsetid {PART}:intents 99999999999999-0
producer-shop,producer-seer,worker,operator,auditor xgroup destroy {PART}:intents workers
producer-shop,producer-seer,operator,auditor xgroup setid {PART}:intents workers 0
producer-shop,producer-seer,worker,operator,auditor hincrby {PART}:account:alice balance 1000
producer-shop,producer-seer,worker,operator,auditor hset {PART}:ledger f v
producer-shop,producer-seer,worker,operator,auditor set {PART}:meta x
producer-shop,producer-seer,operator,auditor hset {PART}:account:alice balance 1000000
producer-shop,producer-seer,operator,auditor hset {PART}:bills:$today alice/shop/k1 x
producer-shop,producer-seer,operator,auditor hset {till}:book partitions 1
producer-shop,producer-seer,operator,auditor hdel {PART}:unanswered 0-1
producer-shop,producer-seer,operator,auditor hset {PART}:sku:coffee/tea price 1
producer-shop,producer-seer,operator,auditor hset {PART}:order:coffee/o1 state created
producer-shop,producer-seer,operator,auditor unlink {PART}:order:coffee/o1
producer-shop,producer-seer,operator,auditor sadd {PART}:merchants mallory
producer-shop,producer-seer,operator,auditor zadd {PART}:due 1 m
producer-shop,producer-seer,operator,auditor zrem {till}:workers m
producer-shop,producer-seer,operator,auditor hset {PART}:scheduled 0-1 x
producer-shop,producer-seer,operator,auditor set {PART}:lease 9:me
producer-shop,producer-seer,operator,auditor del {PART}:lease
producer-shop,producer-seer,operator,auditor xadd {PART}:ledger * rows x
producer-shop,producer-seer,operator,auditor xadd {PART}:responses:shop * key x
producer-shop,producer-seer,operator,auditor xadd {PART}:responses:web * key x
producer-shop,producer-seer,operator,auditor xadd {PART}:dead * entry x
producer-shop,producer-seer,operator,auditor xack {PART}:intents workers 0-1
producer-shop,producer-seer,operator,auditor xreadgroup group workers me streams {PART}:intents >
producer-shop,producer-seer,operator,auditor xautoclaim {PART}:intents workers me 0 0-0
producer-shop,producer-seer,operator,auditor xgroup create {PART}:intents thieves 0
producer-shop,producer-seer,operator,auditor xgroup delconsumer {PART}:intents workers me
producer-shop,producer-seer,operator,auditor client unblock 1
producer-shop,producer-seer,auditor xdel {PART}:dead 0-1
producer-shop,producer-seer,auditor hset {PART}:meta loss_accepted 9
producer-shop,producer-seer,auditor hdel {PART}:meta paused
producer-shop,producer-seer,auditor script load return(1)
producer-shop,producer-seer,operator,auditor fcall f 0
worker function flush
worker function delete f
producer-shop,producer-seer,auditor evalsha e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
producer-shop,producer-seer xread streams {PART}:intents 0
producer-shop,producer-seer xrange {PART}:intents - +
producer-shop,producer-seer xrevrange {PART}:intents + -
producer-shop,producer-seer xread streams {PART}:responses:web 0
producer-shop,producer-seer xrevrange {PART}:responses:web + -
producer-shop,producer-seer xread streams {PART}:responses:cli 0
producer-shop,producer-seer xread streams {PART}:ledger 0
producer-shop,producer-seer xread streams {PART}:dead 0
producer-shop,producer-seer hmget {PART}:meta applied
producer-shop,producer-seer hgetall {PART}:account:alice
producer-shop,producer-seer hgetall {PART}:order:coffee/o1
producer-shop,producer-seer smembers {PART}:merchants
producer-shop,producer-seer sscan {PART}:merchants 0
producer-shop,producer-seer get {PART}:lease
producer-shop,producer-seer zrange {till}:workers 0 -1
producer-shop,producer-seer scan 0
producer-shop,producer-seer randomkey
producer-shop hmget {PART}:account:alice balance
producer-shop hget {PART}:account:alice balance
producer-shop hget {PART}:bills:$today alice/shop/k1
producer-shop hmget {PART}:order:coffee/o1 state
producer-shop hmget {PART}:sku:coffee/tea price
producer-seer xread streams {PART}:responses:shop 0
auditor xadd {PART}:intents * intent x
auditor publish channel x
worker hset {PART}:due f v
worker xread streams {PART}:responses:shop 0
worker unlink {PART}:meta
worker del {PART}:bills:$today
worker hdel {PART}:bills:$today alice/shop/k1
worker del {PART}:order:coffee/o1
worker unlink {PART}:sku:coffee/tea
worker hdel {PART}:order:coffee/o1 payer
worker srem {PART}:merchants coffee
worker unlink {PART}:merchants
worker hdel {till}:book partitions
worker del {till}:book
worker scan 0
END
set +f
[ "$(cli get '{other}:book')" = x ] || fail "another book was touched"

# A script does no more than its caller may: the keys are open to EVALSHA, what is done to them is not.
script() { raw worker script load "$1"; }
refused worker evalsha "$(script "return redis.call('DEL', KEYS[1])")" 1 "{till:$p}:account:alice"
refused worker evalsha "$(script "return redis.call('XDEL', KEYS[1], '0-1')")" 1 "{till:$p}:intents"
refused operator evalsha "$(script "return redis.call('HSET', KEYS[1], 'balance', 1)")" 1 "{till:$p}:account:alice"
refused operator evalsha "$(script "return redis.call('XDEL', KEYS[1], '0-1')")" 1 "{till:$p}:intents"
refused operator evalsha "$(script "return redis.call('HSET', '{till:$p}:account:alice', 'balance', 1)")" 1 "{till:$p}:dead"
raw operator evalsha "$(script "return redis.call('XLEN', KEYS[1])")" 1 "{till:$p}:dead" | grep -qx 0 || fail "no script runs at all"
expect 0 "sound" $auditor audit
expect 0 "8110" $auditor account alice

# Posing as till. An ACL cannot see into an intent, so what a producer enqueues may say that it comes from a worker; the book's secret can.
text() { printf '\xd9'"\\x$(printf %02x ${#1})"'%s' "$1"; }
number() { printf '\xcf' && printf "$(printf %016x "$1" | sed 's/../\\x&/g')"; }
forge() { # forge KEY: 5000 have arrived for alice, says "another partition"
    local from=$(((p + 1) % 4)) at
    at=$(cli --raw time | head -n 1)000
    {
        printf '\x8a'
        text v && printf '\x01'
        text op && text arrive
        text source && text till
        text key && text "mallory/shop/$1>arrive"
        text at && number "$at"
        text account && text alice
        text origin && text "$from:$at-0"
        text entry && text "$at-0"
        text amount && number 5000
        text currency && text CNY
    } | raw producer-shop -x xadd "{till:$p}:intents" '*' intent
}
rows=$($auditor ledger --json | jq -s length)
entry=$(forge f1)
wait_for 10 eval "$auditor dead list --json | jq -e 'select(.entry == \"$entry\")'"
[ "$($auditor ledger --json | jq -s length)" = "$rows" ] || fail "a forged follow-up moved money"
expect 0 "8110" $auditor account alice
expect 0 "ok (0)" $operator freeze --account coffee # the real ones are signed
json 0 '.[0] | .sound and .dead == 1' $auditor audit --json

# Without it, the same bytes move money: that is why there is a secret.
kill "$worker"
wait "$worker"
secret=""
start_role_worker
forge f2 >/dev/null
wait_for 10 eval "$auditor account alice --json | jq -e '.balance == 13110'"
finish
