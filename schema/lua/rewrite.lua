-- rewrite: changes to the records of bills, collected while deciding and written once at the end.
local changed = {} -- parsed records that were changed

-- Of a decided bill only state, captured and refunded ever change; what was answered stays as answered. Called after remember(b).
local function rewrite_bill(b)
  if not b.changed then
    b.changed = true
    changed[#changed + 1] = b
  end
  if decided[b.identity] then decided[b.identity] = format_bill(b) end
end

-- The same for a bill that was not decided before, and is now: a repetition in this batch must see that.
local redecided = {} -- identity -> record; false: it is gone
local forgotten = {} -- bills that are to go: a refusal that is not stored leaves the key free

local function redecide_bill(b)
  rewrite_bill(b)
  redecided[b.identity] = format_bill(b)
end

local function forget_bill(b)
  for n = record_size - 1, 1, -2 do -- put off in this very batch
    if records[n] == b.identity then
      table.remove(records, n)
      table.remove(records, n)
      record_size = record_size - 2
    end
  end
  b.gone, redecided[b.identity], decided[b.identity] = true, false, nil
  forgotten[#forgotten + 1] = b
end

-- The changed ones as HSET wants them, by place in KEYS; those of the batch's day join what was decided.
local function rewritten_bills()
  local lists = {}
  for n = 1, #changed do
    local b = changed[n]
    if b.gone then -- nothing is left of it
    elseif b.place == BILLS then
      add_record(b.identity, format_bill(b))
    else
      local list = lists[b.place] or {}
      lists[b.place] = list
      list[#list + 1], list[#list + 2] = b.identity, format_bill(b)
    end
  end
  return lists
end
