-- month: what a merchant's shard takes and gives back in each month, which settlement goes by. Kept by every posting to it: `gross`, what
-- it was paid; `refunds`, what it gave back; `other`, what the merchant itself did. A month is that of the entry's ms under the book's
-- settlement_offset, and a shard's month never goes back. The current one lies in the account's field `earning`, those before in
-- `month:YYYY-MM`, each "GROSS REFUNDS OTHER" (the current one with the month in front).
--@call
local this_month, month_ends = '', -1 -- the month of the ms last asked for, and until when that is sure to hold
--@once

-- Days since the epoch as year and month: years are counted from 1 March 0000, so that the leap day is a year's last.
local function civil_month(days)
  local floor = math.floor
  local since = days + 719468
  local cycle = floor(since / 146097)
  local day = since - cycle * 146097
  local year = floor((day - floor(day / 1460) + floor(day / 36524) - floor(day / 146096)) / 365)
  local from_march = floor((5 * (day - (365 * year + floor(year / 4) - floor(year / 100))) + 2) / 153)
  if from_march >= 10 then return cycle * 400 + year + 1, from_march - 9 end
  return cycle * 400 + year, from_march + 3
end

-- Minutes east of UTC; from 841 on they are 1440 - n minutes west.
local function find_month(ms, offset)
  if offset > 840 then offset = offset - 1440 end
  local days = math.floor((ms + offset * 60000) / 86400000)
  this_month, month_ends = format('%04d-%02d', civil_month(days)), (days + 1) * 86400000 - offset * 60000
end

local function load_month(a, text)
  a.month, a.gross, a.refunds, a.other = '', 0, 0, 0
  if not text then return end
  local month, gross, refunds, other = string.match(text, '^(%d+%-%d%d) (%d+) (%d+) (%-?%d+)$')
  if month then a.month, a.gross, a.refunds, a.other = month, to_integer(gross), to_integer(refunds), to_integer(other) end
  if not (month and a.gross and a.refunds and a.other) then broken(KEYS[a.place], 'earning is malformed') end
end

local function month_text(a) return to_text(a.gross) .. ' ' .. to_text(a.refunds) .. ' ' .. to_text(a.other) end

local function earning_text(a) return a.month .. ' ' .. month_text(a) end

-- Writes down what is known of a month; a new table, so that what a journal remembers stays as it was.
local function set_month(a, field, text)
  local months = {}
  for name, value in pairs(a.months or {}) do months[name] = value end
  months[field] = text
  a.months = months
end

-- Has the month of entry i begun after that of a shard? Changes nothing: what is refused must not turn a month.
local function turns(i, a)
  local ms = MS[i] or 0
  if ms >= month_ends then find_month(ms, policies.settlement_offset or 0) end
  return a.month < this_month
end

-- The month of entry i begins for a shard, unless it has: called with what is posted then.
local function begin_month(i, a)
  if not turns(i, a) then return end
  if a.gross ~= 0 or a.refunds ~= 0 or a.other ~= 0 then set_month(a, 'month:' .. a.month, month_text(a)) end
  a.month, a.gross, a.refunds, a.other = this_month, 0, 0, 0
end
