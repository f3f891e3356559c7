-- rewrite: changes to the records of bills, collected while deciding and written once at the end.
--@call
local changed = {} -- parsed records that were changed
--@once

-- Of a decided bill only state, captured and refunded ever change; what was answered stays as answered. Called after remember(b).
local function rewrite_bill(b)
  if not b.changed then
    b.changed = true
    changed[#changed + 1] = b
  end
  if b.place == PLACE.bills and decided[b.identity] then decided[b.identity] = format_bill(b) end
end

-- Takes a bill away: a refusal that is not stored leaves the key free. (What comes behind such an entry and speaks of the same intent is
-- in another batch: the lane sees to that.)
--@call
local forgotten = {}
--@once

local function forget_bill(b)
  b.gone = true
  forgotten[#forgotten + 1] = b
  for n = record_size - 1, 1, -2 do -- put off in this very batch
    if b.place == PLACE.bills and records[n] == b.identity then
      table.remove(records, n)
      table.remove(records, n)
      record_size = record_size - 2
    end
  end
end
