-- transfer: to another user's account. Into another partition it goes by way of @transit: this side pays into it and sends `arrive`; the
-- other side pays out of it and sends back `settled`, or `bounce` with the reason, and only then is the transfer answered.

local function transit(i, currency_wanted)
  return system_account(counterpart(MORE.TRANSIT_KEY[i], '@transit:' .. currency_wanted), currency_wanted)
end

-- Whoever can receive a transfer: users and apps.
local function receiver(place)
  local t = account(place)
  return t and (t.kind == 'user' or t.kind == 'app') and t or nil
end

OPS.transfer = function(i)
  local a, code, detail = payer(i)
  if not a then return code, detail end
  local away = (MORE.AWAY[i] or 0) ~= 0
  local t = not away and receiver(TO_KEY[i])
  if not (away or t) then return CODE.not_found, 'to' end
  if (CURRENCY[i] or '') ~= '' and a.currency ~= CURRENCY[i] or t and t.currency ~= a.currency then return CODE.currency_mismatch end
  if a.status ~= 'active' or t and t.status ~= 'active' then return CODE.account_frozen end
  local hindrance = hindered(i, a)
  if hindrance then return hindrance end
  if not away then return move_funds(i, a, t, AMOUNT[i], true) end
  code = move_funds(i, a, transit(i, a.currency), AMOUNT[i], true)
  if code ~= CODE.ok then return code end
  state = 'in_progress'
  return CODE.in_progress, ''
end

--@include arrived.lua

-- arrive (follow-up): the money comes in, or the reason why not. Either goes back.
OPS.arrive = function(i)
  local t, cur = receiver(ACCOUNT_KEY[i]), CURRENCY[i]
  if not t then return CODE.not_found, 'to' end
  local by = noted(i, t)
  if by == AMOUNT_TEXT[i] then note(i, t, ENTRY[i]) end
  if by == AMOUNT_TEXT[i] or by and string.find(by, '-', 1, true) then return CODE.ok, '' end
  if t.currency ~= cur then return CODE.currency_mismatch, '' end
  if t.status ~= 'active' then return CODE.account_frozen, '' end
  local from = transit(i, cur)
  if from.balance - AMOUNT[i] < -MAX or t.balance + AMOUNT[i] > cap_of(t) then return CODE.limit_exceeded, '' end
  move(i, from, t, AMOUNT[i])
  return CODE.ok, ''
end

-- settled (follow-up): it arrived.
OPS.settled = function(i)
  local b = original(i, 'in_progress')
  if b and b.op == 'pay' then return SHOP.settled(i, b) end
  if b then decide_late(i, b, CODE.ok, '', account(ACCOUNT_KEY[i])) end
end

-- bounce (follow-up): it did not; the money comes back, whatever has become of the account.
OPS.bounce = function(i)
  local b, a = original(i, 'in_progress'), account(ACCOUNT_KEY[i])
  if not (b and a) then return end
  if b.op == 'pay' then return SHOP.bounced(i, b, a) end
  local way = transit(i, b.currency)
  must_fit(i, way, -b.amount)
  must_fit(i, a, b.amount)
  move(i, way, a, b.amount)
  local code = MORE.CODE_SENT[i] or 0
  decide_late(i, b, code, code == CODE.not_found and 'to' or '', a)
end
--@include recover.lua
