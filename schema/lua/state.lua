-- state: the accounts of the partition as one batch sees them: loaded at first touch, changed in memory, written once at the end.
-- Nothing here writes to Redis. `i` is everywhere the number of an entry in the batch.
local accounts, touched, rows = {}, {}, {}
local touched_count, row_count = 0, 0

-- The account behind KEYS[place], or false when there is none. `rules` marks one with more fields than these (rules.lua).
local function account(place, name)
  local a = accounts[place]
  if a ~= nil then return a end
  local h = redis.pcall('HMGET', KEYS[place], 'balance', 'held', 'seq', 'kind', 'currency', 'status', 'rules')
  if h.err then broken(KEYS[place], h.err) end
  if not (h[1] or h[2] or h[3] or h[4] or h[5] or h[6]) then
    accounts[place] = false
    return false
  end
  if not (h[1] and h[2] and h[3] and h[4] and h[5] and h[6]) then broken(KEYS[place], 'is not an account: a field is missing') end
  a = { place = place, name = name, balance = to_integer(h[1]), held = to_integer(h[2]), seq = to_integer(h[3]), kind = h[4],
        currency = h[5], status = h[6] }
  if not (a.balance and a.held and a.seq) then broken(KEYS[place], 'balance, held or seq is not an integer') end
  if h[7] then a.rules = load_rules(place, h[7]) end
  if a.kind == 'merchant' then load_month(a, call('HGET', KEYS[place], 'earning')) end
  accounts[place] = a
  return a
end

-- Marks an account for writing at the end. A new one opens with the first intent that touches it.
local function touch(a, i)
  if not a.changed then
    touched_count = touched_count + 1
    touched[touched_count] = a
    if a.new then a.opened = AT[i] end
  end
  a.changed = AT[i]
end

local function new_account(place, kind, currency, name)
  local a = { place = place, name = name, kind = kind, currency = currency, status = 'active', balance = 0, held = 0, seq = 0, new = true }
  if kind == 'merchant' then load_month(a) end
  accounts[place] = a
  return a
end

-- A system account comes into being with its first posting.
local function system_account(place, word, currency)
  local name = '@' .. word .. ':' .. currency
  return account(place, name) or new_account(place, 'system', currency, name)
end

-- The next bill number as text. Formatting is slow: all but the last digit is made once for ten numbers.
local DIGIT = { [0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' }
local bill_prefix, bill_head = partition .. '-', nil

local function next_bill()
  last_bill = last_bill + 1
  local digit = last_bill % 10
  if digit == 0 or not bill_head then bill_head = bill_prefix .. (last_bill > 9 and to_text((last_bill - digit) / 10) or '') end
  return bill_head .. DIGIT[digit]
end

-- One side of a booking: changes the account and adds a ledger row.
local function post(i, bill, a, amount, hold)
  if journal then remember(a) end
  local balance, held, seq = a.balance + amount, a.held, a.seq + 1
  a.balance, a.seq = balance, seq
  if a.month then earn(i, a, amount) end
  if hold ~= 0 then
    held = held + hold
    a.held, a.new_held = held, true
  end
  row_count = row_count + 1
  rows[row_count] = { bill, IDENTITY[i], OP[i], a.name, amount, hold, balance, held, seq, MS[i] or 0, NOTE[i] or '' }
  if a.changed ~= AT[i] then touch(a, i) end
end

-- Moves money from one account to another under a new bill number, which it returns.
local function move(i, from, to, amount)
  local bill = next_bill()
  post(i, bill, from, -amount, 0)
  post(i, bill, to, amount, 0)
  return bill
end
