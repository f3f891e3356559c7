#!/bin/bash
# `till archive` beside real traffic: killed again and again, resumed, compared entry by entry with Redis; and all that it must refuse.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/private.sh"
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "seed $seed (SEED=$seed repeats it)"
chmod 755 "$dir"

# What Redis has, in the words of read_archive.py.
cat >redis.py <<'END'
import json, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
replies = link.makefile("rb")
def read():
    line = replies.readline()[:-2]
    if line[:1] == b"*": return [read() for _ in range(int(line[1:]))]
    if line[:1] == b"$": return replies.read(int(line[1:]) + 2)[:-2]
    return line[1:]
for partition in range(int(sys.argv[2])):
    for stream in "intents", "ledger":
        link.sendall(b"XRANGE {till:%d}:%s - +\r\n" % (partition, stream.encode()))
        for id, strings in read():
            print(json.dumps({"partition": partition, "stream": stream, "id": id.decode(), "strings": [s.hex() for s in strings]}))
END
same() { # same DIR: it holds what Redis has
    python3 "$here/read_archive.py" "$1" >archived.jsonl || fail "read_archive.py: $(tail -n 1 archived.jsonl)"
    python3 redis.py "$socket" 4 >there.jsonl
    cmp archived.jsonl there.jsonl || fail "the archive $1 is not what Redis has: $(wc -l <archived.jsonl), $(wc -l <there.jsonl) entries"
}

# The archive kept from the first day.
vectors=$here/../vectors/segment-v1
python3 "$here/read_archive.py" "$vectors" | cmp - "$vectors.jsonl" || fail "read_archive.py prints something else of the vectors"
expect 1 "intents-00000001.seg: at offset 193: 7 entries were removed" "$TILL" archive verify "$vectors"
json 1 '.[0] | .found == 1 and .book == "till" and .streams[0].entries == 3 and .streams[0].segments == 2' \
    "$TILL" archive verify "$vectors" --json

start_redis
start_worker
{
    echo '{"op":"open","account":"coffee","kind":"merchant","currency":"CNY"}'
    for user in u1 u2 u3 u4 u5 u6 u7 u8; do
        printf '{"op":"open","account":"%s","kind":"user","currency":"CNY"}\n' $user
        printf '{"op":"topup","account":"%s","amount":500000,"currency":"CNY"}\n' $user
    done
} >open.jsonl
expect 0 "" "$TILL" send open.jsonl --source shop --wait
traffic() {
    local n=0
    while [ ! -e enough ]; do
        for user in 1 2 3 4 5 6 7 8; do
            printf '{"op":"pay","key":"p%d","account":"u%d","to":"coffee","amount":3,"currency":"CNY","note":"\\u000dü"}\n' \
                $((n += 1)) $user
        done >traffic.jsonl
        "$TILL" send traffic.jsonl --source shop >/dev/null
    done
}

# shorten PARTITION STREAM: the last segment, as a crash in the middle of a write would leave it: by anything that no manifest promised.
# (The kernel writes small pieces whole, so that the kills below hardly ever do.)
shorten() {
    local file number promised=140 size
    file=$(ls "$1/$2"-*.seg 2>/dev/null | tail -n 1)
    [ -e "$1/manifest" ] && [ -n "$file" ] || return
    number=$(sed 's/.*-0*//; s/\.seg//' <<<"$file")
    grep -q "^$2 segment $number " "$1/manifest" && promised=$(sed -n "s/^$2 segment $number size \([0-9]*\) .*/\1/p" "$1/manifest")
    size=$(stat -c %s "$file")
    [ "$size" -le "$promised" ] || { truncate -s $((promised + RANDOM % (size - promised))) "$file" && shortened=$((shortened + 1)); }
}
shortened=0

# Traffic flows; the archiver is killed after a random while, over and over, with small segments so that every place in its life comes up.
traffic &
pids="$pids $!"
flowing=$!
expect 0 "UP TO" "$TILL" archive a --segment-size 4KiB # the first one below may be killed before it has begun
for round in $(seq "${ROUNDS:-25}"); do
    policy=every=1s
    [ $((RANDOM % 2)) = 0 ] || policy=always
    "$TILL" archive a --follow --segment-size 4KiB --segment-age 1s --fsync $policy >follow.out 2>follow.err &
    archiver=$!
    sleep "0.$(printf '%03d' $((RANDOM % 400)))"
    kill -9 $archiver
    wait $archiver 2>/dev/null
    grep -v "a write was cut short" follow.err && fail "round $round: the archiver complained"
    shorten "a/000$((RANDOM % 4))" "$(shuf -n 1 -e intents ledger)"
    expect 0 "sound: 4 of 4 partitions" "$TILL" archive verify a
done
[ $shortened -gt 3 ] || fail "only $shortened torn tails in all rounds"

# The same with finished segments packed: killed while it packs, a file is there as it was, or packed, or both.
expect 0 "UP TO" "$TILL" archive z --segment-size 4KiB --compress
for round in $(seq "${ROUNDS:-12}"); do
    "$TILL" archive z --follow --segment-size 4KiB --segment-age 1s --compress >follow.out 2>follow.err &
    archiver=$!
    sleep "0.$(printf '%03d' $((RANDOM % 400)))"
    kill -9 $archiver
    wait $archiver 2>/dev/null
    grep -v "a write was cut short" follow.err && fail "round $round: the archiver complained"
    packed=$(ls z/*/*.seg.zst | shuf -n 1 --random-source=<(yes $RANDOM))
    [ $((round % 3)) != 0 ] || zstd -dcq "$packed" >"${packed%.zst}" || fail "zstd does not read $packed"
    expect 0 "sound: 4 of 4 partitions" "$TILL" archive verify z
done
touch enough
wait $flowing
stop_worker
expect 0 "UP TO" "$TILL" archive z --segment-size 4KiB --compress
expect 0 "sound: 4 of 4 partitions of book till" "$TILL" archive verify z
same z
[ "$(ls z/*/*.seg.zst | wc -l)" -gt 8 ] || fail "hardly any segment was packed"
expect 0 "" "$TILL" archive z
expect 0 "UP TO" "$TILL" archive a --segment-size 4KiB
expect 0 "sound: 4 of 4 partitions of book till" "$TILL" archive verify a
json 0 '.[0] | .sound and .found == 0 and (.streams | length) == 8 and all(.streams[]; .missing == 0 and .entries > 0 and .first != "")' \
    "$TILL" archive verify a --json
same a
[ "$(ls a/*/intents-*.seg | wc -l)" -gt 8 ] || fail "hardly any segment was finished"
json 0 'length == 8 and all(.archived == 0)' "$TILL" archive a --json

# One run from nothing; only some partitions.
expect 0 "" "$TILL" archive b
same b
expect 100 "--partitions 4 must be numbers below 4" "$TILL" archive c --partitions 4
expect 100 "--partitions 1,," "$TILL" archive c --partitions 1,,
expect 100 "must be numbers below 4" "$TILL" archive c --partitions ""
expect 100 "--partitions 2-1" "$TILL" archive c --partitions 2-1
json 0 'map(.partition) == [0, 0, 2, 2, 3, 3]' "$TILL" archive c --partitions 0,2-3 --json
expect 0 "3 of 4 partitions" "$TILL" archive verify c

# Two at once: the second is refused, unless it is about other partitions.
"$TILL" archive c --follow --partitions 0 2>follow.err >/dev/null &
archiver=$!
pids="$pids $archiver"
wait_for 10 eval 'grep -q ":$(stat -c %i c/0000/lock) " /proc/locks' # trying the lock would take it
expect 100 "another process is archiving this partition here" "$TILL" archive c
expect 0 "" "$TILL" archive c --partitions 1
expect 0 "4 of 4 partitions" "$TILL" archive verify c
cli xadd '{till:0}:intents' '*' odd "" >/dev/null
wait_for 10 eval 'python3 "$here/read_archive.py" c | grep -q "\"strings\": \[\"6f6464\", \"\"\]"'
kill $archiver
wait $archiver || fail "the archiver ended with $?"
same c

# Bytes that went bad: each is found, with file and offset, and neither gone over nor overwritten.
bad_file() { # bad_file TEXT FILE: what is wrong with a file of d is said by verify; and by the archiver, which leaves it alone
    local sum
    sum=$(md5sum "$2")
    expect 1 "$2: $1" "$TILL" archive verify d
    json 1 '.[0] | .sound == false and .findings[0].file == "'"$2"'"' "$TILL" archive verify d --json
    [ "$sum" = "$(md5sum "$2")" ] || fail "$2 was changed"
}
flip() { # flip FILE OFFSET
    python3 - "$1" "$2" $((RANDOM % 8)) <<'END'
import sys
file, at, bit = open(sys.argv[1], "r+b"), int(sys.argv[2]), int(sys.argv[3])
file.seek(at)
byte = file.read(1)[0]
file.seek(at)
file.write(bytes([byte ^ 1 << bit]))
END
}
last() { ls d/0001/"$1"-*.seg | tail -n 1; }
for round in $(seq 14); do
    rm -rf d && cp -r a d
    file=$(ls d/*/*.seg | shuf -n 1 --random-source=<(yes $RANDOM))
    at=$((RANDOM % $(stat -c %s "$file")))
    flip "$file" $at
    bad_file "at offset" "$file"
    [ "$(jq -rs '.[0].findings[0].offset' out)" -le $at ] || fail "the offset is behind the flipped byte $at of $file"
done
for round in $(seq 16); do # of a packed one any bit, also those that zstd does not mind
    rm -rf d && cp -r z d
    file=$(ls d/*/*.seg.zst | shuf -n 1 --random-source=<(yes $RANDOM))
    rm -f "${file%.zst}" # or that one counts
    size=$(stat -c %s "$file")
    case $round in [1-7]) at=$((round - 1)) ;; [89] | 1[01]) at=$((size - round + 7)) ;; *) at=$((RANDOM % size)) ;; esac
    flip "$file" $at
    bad_file "at offset" "$file"
done
truncate -s -1 "$file"
bad_file "at offset" "$file"
rm -rf d && cp -r z d
file=$(ls d/*/*.seg.zst | head -n 1)
rm "$file" "${file%.zst}" 2>/dev/null
expect 1 "${file%.zst}: is missing" "$TILL" archive verify d
rm -rf d && cp -r a d
file=$(last intents)
flip "$file" 200
bad_file "at offset 140: " "$file"
expect 1 "$file: at offset 140: " "$TILL" archive d
bad_file "at offset 140: " "$file"
rm -rf d && cp -r a d
file=$(last ledger)
truncate -s -1 "$file"
bad_file "at offset" "$file"
expect 1 "the manifest says that more of it was on the disk" "$TILL" archive d
rm -rf d && cp -r a d
rm "$(last intents)"
expect 1 "is missing" "$TILL" archive verify d
expect 1 "is missing, but the manifest says it was written" "$TILL" archive d
rm -rf d && cp -r a d
rm d/0001/intents-00000001.seg
expect 1 "d/0001/intents-00000001.seg: is missing" "$TILL" archive verify d
rm -rf d && cp -r a d
cp d/0001/intents-00000001.seg d/0001/intents-00000002.seg
bad_file "at offset 0: the header has another number than the file's name" d/0001/intents-00000002.seg
rm -rf d && cp -r a d
flip d/0002/manifest 70
expect 1 "d/0002/manifest: at offset 0: is no manifest, or was changed" "$TILL" archive verify d
expect 1 "is no manifest, or was changed" "$TILL" archive d
rm d/0002/manifest
expect 1 "there is no manifest" "$TILL" archive verify d
expect 1 "no manifest that says how far they should reach" "$TILL" archive d
rm -rf d && cp -r a d
mv d/0001 d/x && mv d/0002 d/0001 && mv d/x d/0002
expect 1 "the manifest is that of partition 2" "$TILL" archive verify d
expect 1 "is the archive of partition 2" "$TILL" archive d

# Trimmed before it was archived, from the front and in the middle: said, noted, counted, once.
stream='{till:1}:ledger'
cli xadd $stream '*' rows x >/dev/null
lost=$(cli xadd $stream '*' rows x)
cli xadd $stream '*' rows y >/dev/null
cli xdel $stream "$lost" >/dev/null
expect 1 "NOT ARCHIVED: $stream: 1 entries were removed" "$TILL" archive a
expect 0 "" "$TILL" archive a
expect 1 "1 entries were removed from the stream before they were archived" "$TILL" archive verify a
for n in 1 2 3; do cli xadd $stream '*' rows z >/dev/null; done
cli xtrim $stream MAXLEN 1 >/dev/null
expect 1 "NOT ARCHIVED: $stream: 2 entries were removed" "$TILL" archive a
json 1 '.[0] | [.streams[].missing] | add == 3' "$TILL" archive verify a --json
cli xtrim $stream MAXLEN 0 >/dev/null
expect 0 "" "$TILL" archive a
expect 1 "NOT ARCHIVED: $stream: " "$TILL" archive late

# A Redis that has less than the archive, or something else.
cli copy '{till:3}:intents' '{till:3}:kept' >/dev/null
cli del '{till:3}:intents' >/dev/null
expect 1 "{till:3}:intents in Redis is not what was archived" "$TILL" archive c
for n in $(seq 5); do cli xadd '{till:3}:intents' '*' intent x >/dev/null; done
expect 1 "{till:3}:intents in Redis is not what was archived" "$TILL" archive c
cli rename '{till:3}:kept' '{till:3}:intents' >/dev/null
expect 0 "" "$TILL" archive c --partitions 0,2-3
TILL_BOOK_NAME=other expect 100 "there is no book 'other'" "$TILL" archive c
cli hset '{other}:book' version 1 partitions 4 >/dev/null
TILL_BOOK_NAME=other expect 1 "not of partition 0 of 4 of book 'other'" "$TILL" archive c

# A full disk (here: files may not grow): a clear word, nothing half-done, and on it goes when there is room.
(trap '' XFSZ; ulimit -f 4; exec "$TILL" archive full --partitions 0,2-3) >out 2>err
[ $? = 1 ] && grep -q "cannot write: File too large" err || fail "a full disk: $(cat err)"
json 0 '.[0] | .sound and ([.streams[].torn] | add) == 0' "$TILL" archive verify full --json
expect 0 "" "$TILL" archive full --partitions 0,2-3
expect 0 "sound" "$TILL" archive verify full
python3 "$here/read_archive.py" full >archived.jsonl
python3 redis.py "$socket" 4 | grep -v '"partition": 1,' | cmp - archived.jsonl || fail "not all there after a full disk"

# Where nothing can be written.
mkdir shut
chmod 555 shut
unprivileged=
[ "$(id -u)" != 0 ] || unprivileged="setpriv --bounding-set=-dac_override,-dac_read_search"
if $unprivileged true 2>/dev/null && ! $unprivileged touch shut/x 2>/dev/null; then
    expect 1 "shut/0000: cannot make the directory: Permission denied" $unprivileged "$TILL" archive shut
fi
expect 1 "redis.log: is no directory" "$TILL" archive redis.log
expect 1 "cannot make the directory: No such file or directory" "$TILL" archive no/where
expect 100 "cannot read the directory" "$TILL" archive verify nowhere
expect 100 "there is no archive" "$TILL" archive verify shut
expect 100 "--segment-size 64M" "$TILL" archive b --segment-size 64M
expect 100 "--fsync sometimes" "$TILL" archive b --fsync sometimes
expect 100 "--follow is not for verify" "$TILL" archive verify b --follow
expect 100 "one argument too many" "$TILL" archive b c
finish
