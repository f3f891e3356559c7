-- write_rest: what a batch comes to beside ledger, bills, answers and accounts.
--@include write_due.lua

-- Raises on a wrong type, with nothing written yet.
local function check_rest()
  if #unanswered > 0 then call('HLEN', KEYS[PLACE.unanswered]) end
  check_due()
end

local function append_rest(appended)
  for b = 1, #buried do
    local i, n = buried[b], #appended
    appended[n + 1], appended[n + 2] = PLACE.dead, call('XADD', KEYS[PLACE.dead], '*', 'entry', ENTRY[i], 'reason', DETAIL[i], 'attempts',
      MORE.ATTEMPTS[i] or 0, unpack(MORE.RAW[i]))
  end
end

-- The changed ones as HSET wants them, by place in KEYS; those of the batch's day join what was decided.
local function rewritten_bills()
  local lists = {}
  for n = 1, #changed do
    local b = changed[n]
    if b.gone then -- nothing is left of it
    elseif b.place == PLACE.bills then
      add_record(b.identity, format_bill(b))
    else
      local list = lists[b.place] or {}
      lists[b.place] = list
      list[#list + 1], list[#list + 2] = b.identity, format_bill(b)
    end
  end
  return lists
end

-- `meta` gets what belongs there.
local function write_rest(meta)
  for n = 1, #forgotten do call('HDEL', KEYS[forgotten[n].place], forgotten[n].identity) end
  for place, list in pairs(rewritten_bills()) do call('HSET', KEYS[place], unpack(list)) end
  if #unanswered > 0 then call('HSET', KEYS[PLACE.unanswered], unpack(packed_unanswered())) end
  write_due()
  if HAS.sells then SHOP.write() end
  for from, entry in pairs(new_origins) do
    meta[#meta + 1], meta[#meta + 2] = from, entry
  end
  for name, value in pairs(new_policies) do
    meta[#meta + 1], meta[#meta + 2] = 'policy:' .. name, value
  end
  if lowered then meta[#meta + 1], meta[#meta + 2] = 'lowered', lowered end
end
