-- funds: the last checks of every operation that moves money, in the published order: cap (12), then funds (3).
-- `funded` is false where the payer may go negative: system accounts, and merchant shards through refunds.

-- The most that may stand on an account: by the book's policy for users and apps.
local function cap_of(a)
  local cap = policies.balance_cap
  if not cap or (a.kind ~= 'user' and a.kind ~= 'app') then return MAX end
  return cap
end

local function amount_text(i, amount) return amount == AMOUNT[i] and AMOUNT_TEXT[i] or to_text(amount) end

local function move_funds(i, from, to, amount, funded)
  if from.balance - amount < -MAX or to.balance + amount > cap_of(to) or overflows(i, from, -amount) or overflows(i, to, amount) then
    return CODE.limit_exceeded
  end
  if funded and from.balance - from.held < amount then return CODE.insufficient_funds end
  billed, moved = move(i, from, to, amount), amount_text(i, amount)
  return CODE.ok
end

-- What comes late must be taken, whatever has become of the account. What could not be counted gives its entry up instead: the dead stream
-- keeps it until there is room.
local function must_fit(i, a, amount)
  if math.abs(a.balance + amount) > MAX then broken(KEYS[a.place], 'the balance would pass 2^53 - 1') end
  if overflows(i, a, amount) then broken(KEYS[a.place], 'its month would pass 2^53 - 1') end
end

-- The merchant's shard in this partition: whoever is not known here as a merchant cannot be paid.
local function merchant(place)
  local m = account(place)
  return m and m.kind == 'merchant' and m or nil
end

local function counterpart(place, name) return declared(place, ':account:' .. name) end
