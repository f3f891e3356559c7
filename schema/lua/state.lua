-- state: the partition as one batch sees it: accounts are loaded at first touch, changed in memory, written once at the end; so are the
-- ledger's rows, bills and answers. Nothing here writes to Redis. `i` is everywhere the number of an entry in the batch.
--@call
local accounts, touched, touched_count = {}, {}, 0 -- accounts by their place in KEYS, and those that were changed
local rows, row_count = {}, 0                      -- of the ledger
local today, yesterday                             -- the records known before the batch under each identity, by day
local decided = {}                                 -- identity -> record decided in this batch, under KEYS[PLACE.bills]
local records, record_size = {}, 0                 -- identity, record, ...: what is to be written there; a later one overrides
-- An answer is { place of its stream, key, source, op, code, account, amount, currency, balance, held, bill, at, entry, replayed, detail },
-- or the number of the entry of a plain payment; `paid` has then what its columns do not say: bill, balance and held at 3 * m - 2 ...
-- `answers_to`: each one's entry.
local answers, answers_to, answer_count = {}, {}, 0
-- Where entries share answers, `lines` has instead the line of answer m, made when it was decided; but kept or traced ones are tables.
local paid, lines = {}, {}
local shares = SHARES[1] and not TRACE[1] and not ARGV[4]
local held_back                                    -- entry ID -> true, once there are any: not to be acknowledged yet
--@once

-- The record of an intent that was decided before.
local function known(i) return decided[IDENTITY[i]] or today[i] or yesterday[i] end

-- Of the account behind KEYS[place].
local function name_of(place) return string.sub(KEYS[place], name_at) end

-- The account behind KEYS[place], or false when there is none. `rules` marks one with more fields than these (rules.lua).
local function account(place)
  local a = accounts[place]
  if a ~= nil then return a end
  local h = redis.pcall('HMGET', KEYS[place], 'balance', 'held', 'seq', 'kind', 'currency', 'status', 'rules', 'earning')
  if h.err then broken(KEYS[place], h.err) end
  if not (h[1] or h[2] or h[3] or h[4] or h[5] or h[6]) then
    accounts[place] = false
    return false
  end
  if not (h[1] and h[2] and h[3] and h[4] and h[5] and h[6]) then broken(KEYS[place], 'is not an account: a field is missing') end
  -- All fields at once: a table that grows is made anew.
  a = { place = place, name = name_of(place), balance = to_integer(h[1]), held = to_integer(h[2]), seq = to_integer(h[3]), kind = h[4],
        currency = h[5], status = h[6], changed = false, month = false, gross = 0, refunds = 0, other = 0, earned = false }
  if not (a.balance and a.held and a.seq) then broken(KEYS[place], 'balance, held or seq is not an integer') end
  if h[7] then a.rules = h[7] == 'credential' and { credential = '', unread = true } or rest().read_rules(place) end
  if a.kind == 'merchant' then load_month(a, h[8]) end
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

-- The next bill number as text. Formatting is slow: all but the last digit is made once for ten numbers.
local DIGIT = { [0] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' }
--@call
local bill_prefix, bill_head = partition .. '-', nil
--@once

local function next_bill()
  last_bill = last_bill + 1
  local digit = last_bill % 10
  if digit == 0 or not bill_head then bill_head = bill_prefix .. (last_bill > 9 and to_text((last_bill - digit) / 10) or '') end
  return bill_head .. DIGIT[digit]
end
