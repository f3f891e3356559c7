-- fee: what the account of a merchant's shard says of months that are over, and the fee that its home takes on each.

-- What the account says of a month (`month:YYYY-MM`) or its fee (`fee:YYYY-MM`): read once per batch, all of it.
local function months_of(m)
  if m.known then return m.known end
  local h, known = redis.pcall('HGETALL', KEYS[m.place]), {}
  if h.err then broken(KEYS[m.place], h.err) end
  for n = 1, #h, 2 do known[h[n]] = h[n + 1] end
  m.known = known
  return known
end

local function month_record(m, field) return m.months and m.months[field] or months_of(m)[field] end

-- BP ten-thousandths of a sum, half to even. Exact: neither product passes 2^53.
local function fee_of(sum, bp)
  local rest = sum % 10000 * bp
  local fee, over = (sum - sum % 10000) / 10000 * bp + math.floor(rest / 10000), rest % 10000
  if over > 5000 or (over == 5000 and fee % 2 == 1) then fee = fee + 1 end
  return fee
end

local FEE = '^(%d+) (%d+) (%d+) ([%d,]+)$'

-- The fee of a month so far: { bp, gross, fee, partitions }. The rate is that of the book when the first shard is settled.
local function fee_record(m, wanted)
  local text = month_record(m, 'fee:' .. wanted)
  if not text then return { policies.fee or 0, 0, 0, '' } end
  local bp, gross, fee, partitions = string.match(text, FEE)
  local record = { to_integer(bp or ''), to_integer(gross or ''), to_integer(fee or ''), partitions }
  if not (record[1] and record[2] and record[3]) then broken(KEYS[m.place], 'fee:' .. wanted .. ' is malformed') end
  return record
end

local function is_listed(record, from) return string.find(',' .. record[4] .. ',', ',' .. from .. ',', 1, true) ~= nil end

-- The home learns of one shard's gross and takes the fee on it: what the fee on all so far is more than what was taken, so that the sum is
-- exact in whatever order they come. False when it cannot be counted.
local function take_fee(i, m, wanted, record, from, gross)
  local sum = record[2] + gross
  if sum > MAX then return false end
  local fee = fee_of(sum, record[1])
  local more = fee - record[3]
  if m.balance - more < -MAX then return false end
  if more > 0 then
    local fees = system_account(counterpart(MORE.FEES_KEY[i], '@fees:' .. m.currency), m.currency)
    if fees.balance + more > MAX then return false end
    billed = move(i, m, fees, more)
  end
  local partitions = record[4] == '' and from or record[4] .. ',' .. from
  set_month(m, 'fee:' .. wanted, to_text(record[1]) .. ' ' .. to_text(sum) .. ' ' .. to_text(fee) .. ' ' .. partitions)
  return true
end
