-- meta: the partition's marks: how far its stream is applied, the last bill number, the last origin from each other partition.
local applied = '0-0'   -- no entry at or below it is executed again
local origins = {}      -- 'from:p' -> last origin applied, for follow-ups
local new_origins = {}  -- the same, where it moved in this batch

local function is_follow_up(i) return (ORIGIN[i] or '') ~= '' end

local function load_meta(epoch)
  local fields, seen = { 'epoch', 'applied', 'bill' }, {}
  for i = 1, count do
    if is_follow_up(i) and not seen[ORIGIN[i]] then
      seen[ORIGIN[i]] = true
      fields[#fields + 1] = 'from:' .. ORIGIN[i]
    end
  end
  local values = call('HMGET', KEYS[META], unpack(fields))
  check_epoch(values[1], epoch)
  applied, last_bill = values[2] or applied, to_integer(values[3] or '0')
  if not last_bill or last_bill < 0 or not string.match(applied, '^%d+%-%d+$') then broken(KEYS[META], 'bill or applied is malformed') end
  for n = 4, #fields do
    local origin = values[n] or '0-0'
    if not string.match(origin, '^%d+%-%d+$') then broken(KEYS[META], fields[n] .. ' is malformed') end
    origins[fields[n]] = origin
  end
end

-- Another partition's consequence, once: whatever comes from there at or below the last origin is a copy.
local function apply_follow_up(i)
  local from = 'from:' .. ORIGIN[i]
  if comes_after(ORIGIN_ENTRY[i], origins[from]) then
    OPS[OP[i]](i)
    origins[from], new_origins[from] = ORIGIN_ENTRY[i], ORIGIN_ENTRY[i]
  end
end
