-- state: the accounts of the partition as one batch sees them: loaded at first touch, changed in memory, written once at the end.
-- Nothing here writes to Redis. `current` is the number of the entry being decided, for the error that names it.
local accounts, touched, rows = {}, {}, {}
local current, partition, last_bill = 0, 0, 0

-- Gives up the whole batch before anything was written, naming the entry that cannot be applied.
local function broken(key, reason)
  error({ err = 'BROKEN ' .. current .. ' ' .. key .. ' ' .. reason })
end

local FIELDS = { 'kind', 'currency', 'status', 'balance', 'held', 'seq' }

-- The account behind KEYS[index], or false when there is none.
local function account(index, name)
  local a = accounts[index]
  if a ~= nil then return a end
  local h = redis.pcall('HMGET', KEYS[index], 'kind', 'currency', 'status', 'balance', 'held', 'seq')
  if h.err then broken(KEYS[index], h.err) end
  if not (h[1] or h[2] or h[3] or h[4] or h[5] or h[6]) then
    accounts[index] = false
    return false
  end
  for n = 1, 6 do
    if not h[n] then broken(KEYS[index], 'has no ' .. FIELDS[n]) end
  end
  a = { key = index, name = name, kind = h[1], currency = h[2], status = h[3],
        balance = to_integer(h[4]), held = to_integer(h[5]), seq = to_integer(h[6]) }
  if not (a.balance and a.held and a.seq) then broken(KEYS[index], 'balance, held or seq is not an integer') end
  accounts[index] = a
  return a
end

-- Marks an account for writing at the end. A new one opens with the first intent that touches it.
local function touch(a, i)
  if not a.touched then
    a.touched = true
    touched[#touched + 1] = a
    if a.new then a.opened = i[MS] end
  end
  a.changed = i[MS]
end

local function new_account(index, kind, currency, name)
  local a = { key = index, name = name, kind = kind, currency = currency, status = 'active', balance = 0, held = 0, seq = 0, new = true }
  accounts[index] = a
  return a
end

-- A system account comes into being with its first posting.
local function system_account(index, word, currency)
  local name = '@' .. word .. ':' .. currency
  return account(index, name) or new_account(index, 'system', currency, name)
end

-- Would the balance stay exact?
local function fits(a, amount)
  local balance = a.balance + amount
  return balance <= MAX and balance >= -MAX
end

local function post(i, bill, a, amount, hold)
  a.balance, a.held, a.seq = a.balance + amount, a.held + hold, a.seq + 1
  rows[#rows + 1] = { bill, i[IDENTITY], i[OP], a.name, amount, hold, a.balance, a.held, a.seq, i[MS], i[NOTE] }
  touch(a, i)
end

-- Moves money from one account to another under a new bill number, which it returns.
local function move(i, from, to, amount)
  last_bill = last_bill + 1
  local bill = partition .. '-' .. to_text(last_bill)
  post(i, bill, from, -amount, 0)
  post(i, bill, to, amount, 0)
  return bill
end
