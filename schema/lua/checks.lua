-- checks: what operations of the payer have in common, in the published order.

-- The account that the intent acts on, of whose owner a signature is asked when it has a credential: SIGNED says that the lane found it
-- right. What was put off was asked when it came. Or nil with code and detail.
local function payer(i)
  local a = party(i)
  if not a then return nil, CODE.not_found, 'account' end
  local asked = a.rules and a.rules.credential and (MORE.OWN[i] or 0) == 0
  if asked and SIGNED[i] ~= 1 then return nil, CODE.not_permitted, '' end
  return a
end

-- A condition that the sender made, as text; '' or nil: none.
local function differs(wanted, value) return wanted and wanted ~= '' and wanted ~= to_text(value) end

-- Lock and guard, at their place behind the status. `bill` is the one referred to; `gives`: nothing leaves the account, so that a lock is
-- no matter. nil when nothing is in the way.
--@call
local GUARDED = #MORE.GUARD_SEQ + #MORE.GUARD_BALANCE + #MORE.GUARD_REFUNDED > 0
--@once

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

-- Payer and merchant of a payment or a hold, checked up to the rate limit; or nil with code and detail. `o`: the order that is paid for,
-- false when there is none such, nil when none was named or it lies elsewhere.
local function pay_parties(i, o)
  local a, code, detail = payer(i)
  if not a then return nil, code, detail end
  local m = merchant(TO_KEY[i])
  if not m then return nil, CODE.not_found, 'to' end
  if o == false then return nil, CODE.not_found, 'order' end
  if a.currency ~= CURRENCY[i] or m.currency ~= CURRENCY[i] then return nil, CODE.currency_mismatch end
  if a.status ~= 'active' or m.status ~= 'active' then return nil, CODE.account_frozen end
  local hindrance = hindered(i, a)
  if hindrance then return nil, hindrance end
  if o then
    code, detail = SHOP.refusal(i, o)
    if code then return nil, code, detail end
  end
  if over_limit(i, a) then return nil, CODE.rate_limited end
  return a, m
end

-- The merchant's shard of the payment or hold referred to, which the answer tells of; `to` and `currency` must be restated correctly, if at
-- all. Or nil with code and detail.
local function merchant_of(i, b)
  if (TO[i] or '') ~= '' and TO[i] ~= b.to then return nil, CODE.invalid, 'to' end
  if (CURRENCY[i] or '') ~= '' and CURRENCY[i] ~= b.currency then return nil, CODE.invalid, 'currency' end
  payee, currency, subject = b.to, b.currency, b.bill
  local m = merchant(counterpart(TO_KEY[i], b.to))
  if not m then return nil, CODE.not_found, 'to' end
  return m
end
