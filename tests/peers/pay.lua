-- One payment of a peer, in one atomic step: decided once for each key, debit, credit, journal, and the answer where the upstream reads it.
-- KEYS: the key's own record, accounts, merchants, journal, answers. ARGV: key, account, merchant, amount. Replies: ok, poor or repeated.
local key, account, merchant, amount = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local was = redis.call('GET', KEYS[1])
if was then
    redis.call('XADD', KEYS[5], '*', 'key', key, 'code', 'repeated', 'first', was)
    return 'repeated'
end
local code, balance = 'poor', redis.call('HGET', KEYS[2], account) or '0'
if tonumber(balance) >= tonumber(amount) then
    code = 'ok'
    balance = redis.call('HINCRBY', KEYS[2], account, '-' .. amount)
    redis.call('HINCRBY', KEYS[3], merchant, amount)
    redis.call('XADD', KEYS[4], '*', 'key', key, 'account', account, 'merchant', merchant, 'amount', amount, 'balance', balance)
end
redis.call('SET', KEYS[1], code .. ' ' .. balance, 'EX', 86400)
redis.call('XADD', KEYS[5], '*', 'key', key, 'code', code, 'balance', balance)
return code
