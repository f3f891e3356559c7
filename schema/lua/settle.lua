-- settle: closes a month of one shard. What it earned moves to the merchant's home, by way of @transit where that is elsewhere; the home
-- takes the fee. `swept` is how the home hears of it. Operators and workers send one settle per merchant, month and partition.
--@include fee.lua

local SETTLED = ' settled'

-- The earliest month before `wanted` that is not settled, or nil.
local function unsettled_before(m, wanted)
  local first
  for _, fields in ipairs({ months_of(m), m.months or {} }) do
    for field in pairs(fields) do
      local month = string.match(field, '^month:(.*)$')
      local open = month and month < wanted and string.sub(month_record(m, field), -#SETTLED) ~= SETTLED
      if open and (not first or month < first) then first = month end
    end
  end
  return first
end

-- Between a shard and @transit, under one number. False when a balance would pass what can be counted.
local function sweep(i, m, net)
  if net == 0 then return true end
  local way = system_account(counterpart(MORE.TRANSIT_KEY[i], '@transit:' .. m.currency), m.currency)
  if math.abs(m.balance + net) > MAX or math.abs(way.balance - net) > MAX then return false end
  billed = move(i, way, m, net)
  return true
end

local function settle(i, m, wanted)
  if m.currency ~= CURRENCY[i] then return CODE.currency_mismatch end
  begin_month(i, m)
  if wanted >= this_month then return CODE.wrong_state, 'month' end
  local text = month_record(m, 'month:' .. wanted) or '0 0 0'
  if string.sub(text, -#SETTLED) == SETTLED then return CODE.already_exists end
  local earlier = unsettled_before(m, wanted)
  if earlier then return CODE.wrong_state, earlier end
  local gross, refunds = string.match(text, '^(%d+) (%d+) %-?%d+$')
  gross, refunds = to_integer(gross or ''), to_integer(refunds or '')
  if not (gross and refunds) then broken(KEYS[m.place], 'month:' .. wanted .. ' is malformed') end
  local home = (MORE.HOME[i] or 0) ~= 0
  if home then
    if not take_fee(i, m, wanted, fee_record(m, wanted), partition .. '', gross) then return CODE.limit_exceeded end
  elseif not sweep(i, m, refunds - gross) then return CODE.limit_exceeded end
  set_month(m, 'month:' .. wanted, text .. SETTLED)
  m.earned = true
  touch(m, i)
  moved = to_text(math.abs(gross - refunds))
  return CODE.ok, to_text(gross) .. ' ' .. to_text(refunds), not home and (gross > 0 or refunds > 0)
end

-- The month that runs is looked at as if it had begun for the shard, and when nothing comes of it, it has not.
OPS.settle = function(i)
  local m = merchant(ACCOUNT_KEY[i])
  if not m then return CODE.not_found, 'account' end
  acting, currency = m, m.currency
  local month, gross, refunds, other, months = m.month, m.gross, m.refunds, m.other, m.months
  local code, detail, waits = settle(i, m, MORE.MONTH[i])
  if code ~= CODE.ok then m.month, m.gross, m.refunds, m.other, m.months = month, gross, refunds, other, months end
  return code, detail, waits
end

-- swept (follow-up): a shard's month comes home. Once per shard and month, however often it is sent.
OPS.swept = function(i)
  local m, wanted, gross = merchant(ACCOUNT_KEY[i]), MORE.MONTH[i], MORE.GROSS[i] or 0
  if not m then return end
  local record = fee_record(m, wanted)
  if is_listed(record, ORIGIN[i]) then return end
  begin_month(i, m)
  if not (sweep(i, m, gross - (MORE.REFUNDS[i] or 0)) and take_fee(i, m, wanted, record, ORIGIN[i], gross)) then
    broken(KEYS[m.place], 'a balance would pass 2^53 - 1')
  end
  m.earned = true
  touch(m, i)
end
