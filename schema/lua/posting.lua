-- posting: what changes an account, but for a plain payment.

local function new_account(place, kind, currency)
  local a = { place = place, name = name_of(place), kind = kind, currency = currency, status = 'active', balance = 0, held = 0, seq = 0,
              new = true }
  if kind == 'merchant' then load_month(a) end
  accounts[place] = a
  return a
end

-- A system account comes into being with its first posting.
local function system_account(place, currency) return account(place) or new_account(place, 'system', currency) end

-- Settlement moves what was counted when it came.
local function earn(i, a, amount)
  begin_month(i, a)
  if a.name == ACCOUNT[i] then
    if OP[i] ~= 'settle' and OP[i] ~= 'swept' then a.other = a.other + amount end
  elseif amount > 0 then a.gross = a.gross + amount
  else a.refunds = a.refunds - amount end
  a.earned = true
end

-- Would a posting lift what a month has beyond what can be counted?
local function overflows(i, a, amount)
  if not a.month or turns(i, a) then return false end
  if a.name == ACCOUNT[i] then return math.abs(a.other + amount) > MAX end
  return amount > 0 and a.gross + amount > MAX or a.refunds - amount > MAX
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
