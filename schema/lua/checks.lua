-- checks: what operations of the payer have in common, in the published order.

-- The account that the intent acts on, of whose owner a signature is asked when it has a credential: SIGNED says that the lane found it
-- right. What was put off was asked when it came. Or nil with code and detail.
local function payer(i)
  local a = party(i)
  if not a then return nil, CODE.not_found, 'account' end
  local asked = a.rules and a.rules.credential and (MORE.OWN[i] or 0) == 0
  if asked and MORE.SIGNED[i] ~= 1 then return nil, CODE.not_permitted, '' end
  return a
end

-- A condition that the sender made, as text; '' or nil: none.
local function differs(wanted, value) return wanted and wanted ~= '' and wanted ~= to_text(value) end

-- Lock and guard, at their place behind the status. `bill` is the one referred to; `gives`: nothing leaves the account, so that a lock is
-- no matter. nil when nothing is in the way.
local GUARDED = #MORE.GUARD_SEQ + #MORE.GUARD_BALANCE + #MORE.GUARD_REFUNDED > 0

local function hindered(i, a, bill, gives)
  if not gives and a.rules and locked(i, a) then return CODE.account_locked end
  if not GUARDED then return nil end
  local least = MORE.GUARD_BALANCE[i]
  if differs(MORE.GUARD_SEQ[i], a.seq) or (least and least ~= '' and a.balance < tonumber(least))
    or (bill and differs(MORE.GUARD_REFUNDED[i], bill.refunded)) then
    return CODE.guard_failed
  end
  return nil
end

-- Rate limit, for payments and holds. `consume` after the money moved, so that a refused one costs nothing.
local function over_limit(i, a) return a.rules and a.rules.limit_payments and not next_arrival(i, a.rules) end

local function consume_limit(i, a)
  if a.rules and a.rules.limit_payments then change_rules(i, a, { limit_tat = next_arrival(i, a.rules) }) end
end

-- Payer and merchant of a payment or a hold, checked up to the rate limit; or nil with code and detail.
local function pay_parties(i)
  local a, code, detail = payer(i)
  if not a then return nil, code, detail end
  local m = merchant(TO_KEY[i], TO[i])
  if not m then return nil, CODE.not_found, 'to' end
  if a.currency ~= CURRENCY[i] or m.currency ~= CURRENCY[i] then return nil, CODE.currency_mismatch end
  if a.status ~= 'active' or m.status ~= 'active' then return nil, CODE.account_frozen end
  local hindrance = hindered(i, a)
  if hindrance then return nil, hindrance end
  if over_limit(i, a) then return nil, CODE.rate_limited end
  return a, m
end

-- The merchant's shard of the payment or hold referred to, which the answer tells of; `to` and `currency` must be restated correctly, if at
-- all. Or nil with code and detail.
local function merchant_of(i, b)
  if (TO[i] or '') ~= '' and TO[i] ~= b.to then return nil, CODE.invalid, 'to' end
  if (CURRENCY[i] or '') ~= '' and CURRENCY[i] ~= b.currency then return nil, CODE.invalid, 'currency' end
  payee, currency, subject = b.to, b.currency, b.bill
  local m = merchant(counterpart(TO_KEY[i], b.to), b.to)
  if not m then return nil, CODE.not_found, 'to' end
  return m
end

-- Look-alikes: payments of the last `duplicate_window` ms, as "TO|AMOUNT|MS;" each, the oldest first, at most 32.
local RECENT_MAX = 32

local function recent_payments(i, a)
  local window, kept = policies.duplicate_window, {}
  for to, amount, ms in string.gmatch(a.rules and a.rules.recent or '', '([^|;]*)|(%d+)|(%d+);') do
    if MS[i] - tonumber(ms) < window then kept[#kept + 1] = { to, amount, ms } end
  end
  return kept
end

local function looks_alike(i, a)
  if (policies.duplicate_window or 0) == 0 or (MORE.ALLOW_DUPLICATE[i] or 0) ~= 0 then return false end
  local recent = recent_payments(i, a)
  for n = 1, #recent do
    if recent[n][1] == TO[i] and recent[n][2] == AMOUNT_TEXT[i] then return true end
  end
  return false
end

local function note_payment(i, a)
  if (policies.duplicate_window or 0) == 0 then return end
  local recent, texts = recent_payments(i, a), {}
  recent[#recent + 1] = { TO[i], AMOUNT_TEXT[i], AT[i] }
  for n = math.max(1, #recent - RECENT_MAX + 1), #recent do texts[#texts + 1] = table.concat(recent[n], '|') .. ';' end
  change_rules(i, a, { recent = table.concat(texts) })
end
