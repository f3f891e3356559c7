#!/bin/bash
# A sound book is sound at every moment: two workers, orders paid from everywhere, transfers, payouts and a settlement, while audits run one
# after the other, and another one follows. The seed is printed; SEED repeats it.
set -u
. "$(dirname "$0")/past.sh"
. "$(dirname "$0")/private.sh"

seed=${SEED:-$RANDOM}
month=$(month_ago 1)
t=$(middle_of "$month")
start_redis
for n in 1 2 3 4 5; do open_merchant "$t" m$n; done
policy_at $((t + 1)) '"fee":150'
for n in 1 2 3 4 5 6 7 8; do
    p=$(partition_of u$n)
    {
        at "$p" $((t + 2)) '{"op":"open","account":"u'$n'","kind":"user","currency":"CNY"}'
        at "$p" $((t + 2)) '{"op":"topup","account":"u'$n'","amount":500000000,"currency":"CNY"}'
        for m in 1 2 3 4 5; do
            at "$p" $((t + 2)) '{"op":"pay","account":"u'$n'","to":"m'$m'","amount":'$((n * 100 + m))',"currency":"CNY"}'
        done
    } >/dev/null
done
start_worker
"$TILL_WORKER" 2>>"$dir/worker.log" &
pids="$pids $!"

python3 - "$seed" 6000 >shop.jsonl <<'END'
import json, random, sys
random.seed(int(sys.argv[1]))
def say(**intent): print(json.dumps(intent))
for m in range(1, 6):
    say(op='price', account=f'm{m}', sku='bean', amount=7)
    say(op='stock', account=f'm{m}', sku='bean', quantity=3000)
orders = []
for n in range(int(sys.argv[2])):
    kind, m, u = random.random(), random.randint(1, 5), random.randint(1, 8)
    if kind < 0.35 or not orders:
        lines = random.randint(1, 9)
        orders.append((m, n, 7 * lines))
        say(op='order', account=f'm{m}', order=f'o{n}', lines=[['bean', lines]], expires=random.choice([0, 300, 3000]))
    elif kind < 0.4:
        m, n, amount = random.choice(orders[-50:])
        say(op='cancel', account=f'm{m}', order=f'o{n}')
    elif kind < 0.8:
        m, n, amount = random.choice(orders[-20:])
        say(op='pay', account=f'u{u}', to=f'm{m}', order=f'o{n}', amount=amount, currency='CNY')
    elif kind < 0.9:
        say(op='transfer', account=f'u{u}', to=f'u{u % 8 + 1}', amount=5)
    else:
        say(op='withdraw', account=f'm{m}', amount=1)
END
"$TILL" audit --follow --interval 1s >follow.out 2>&1 &
follower=$!
pids="$pids $follower"
"$TILL" send --rate 1000 --wait --timeout 20000 shop.jsonl >send.out 2>&1 &
sender=$!
sleep 1
"$TILL" settle --month "$month" --timeout 20000 >settle.out 2>&1 || fail "seed $seed: settle: $(cat settle.out)"
audits=0
while kill -0 $sender 2>/dev/null && [ $bad = 0 ]; do
    expect 0 "sound: " "$TILL" audit
    audits=$((audits + 1))
done
wait $sender
grep -q "not answered yet" send.out && fail "not all was answered: $(cat send.out)"
[ $audits -gt 0 ] || fail "no audit ran meanwhile"
expect 0 "sound: " "$TILL" audit
expect 0 "20 of 20 shards settled" "$TILL" settle --month "$month" --bills
kill -INT $follower
wait $follower || fail "the one that followed: $(cat follow.out)"
[ $bad = 0 ] || echo "seed $seed"
finish
