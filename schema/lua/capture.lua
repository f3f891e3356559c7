-- capture, release, expire: what becomes of a hold. A hold whose deadline has come is expired whether or not anything has swept it.

-- When a bill's hold lapses: its detail, or when its bill goes.
local function deadline_of(b)
  local last, asked = last_moment(to_integer(b.at)), to_integer(b.detail)
  return asked and asked < last and asked or last
end

-- What is wrong with a restated field, or with what the bill is; status, lock and guard come in between. Returns the hold's bill, the
-- account and the merchant's shard, or nil with code and detail.
local function open_hold(i, debits)
  local a = party(i)
  if not a then return nil, CODE.not_found, 'account' end
  if (CURRENCY[i] or '') ~= '' then currency = CURRENCY[i] end
  local b = bill_of(i)
  if not b then return nil, CODE.not_found, 'of' end
  local m, wrong, detail
  local is_hold = b.op == 'hold' and b.code == CODE.ok
  if is_hold then
    m, wrong, detail = merchant_of(i, b)
    if not m then return nil, wrong, detail end
  end
  if debits and (a.status ~= 'active' or (m and m.status ~= 'active')) then return nil, CODE.account_frozen end
  local hindrance = hindered(i, a, b, not debits)
  if hindrance then return nil, hindrance end
  if not is_hold or b.state ~= 'open' then return nil, b.state == 'expired' and CODE.expired or CODE.wrong_state end
  if MS[i] >= deadline_of(b) then return nil, CODE.expired end
  return b, a, m
end

-- Ends a hold, or leaves it open with what is left.
local function close_hold(b, ending)
  remember(b)
  b.state = ending
  rewrite_bill(b)
  if ending ~= 'open' then set_due(due_member('expire', b.entry, b.identity), false) end
end

OPS.capture = function(i)
  local b, a, m = open_hold(i, true)
  if not b then return a, m end
  local left = b.amount - b.captured
  local amount = (AMOUNT[i] or 0) ~= 0 and AMOUNT[i] or left
  if amount > left or m.balance + amount > cap_of(m) or overflows(i, m, amount) then return CODE.limit_exceeded end
  local keeps = (MORE.KEEP[i] or 0) ~= 0 and amount < left
  billed, moved = next_bill(), amount_text(i, amount)
  post(i, billed, a, -amount, -(keeps and amount or left))
  post(i, billed, m, amount, 0)
  remember(b)
  b.captured = b.captured + amount
  close_hold(b, keeps and 'open' or 'captured')
  return CODE.ok
end

OPS.release = function(i)
  local b, a, m = open_hold(i, false)
  if not b then return a, m end
  local left = b.amount - b.captured
  billed, moved = next_bill(), to_text(left)
  post(i, billed, a, 0, -left)
  close_hold(b, 'released')
  return CODE.ok
end

-- expire (follow-up to itself): gives back what is left of a hold whose deadline has come. Once: later ones find another state.
OPS.expire = function(i)
  local b, a = original(i, 'open'), account(ACCOUNT_KEY[i])
  if not b then
    set_due(due_member('expire', MORE.ORIGINAL[i], OF[i]), false)
  elseif MS[i] < deadline_of(b) then -- bills are kept for longer now
    set_due(due_member('expire', b.entry, b.identity), deadline_of(b))
  elseif a then
    post(i, next_bill(), a, 0, b.captured - b.amount)
    close_hold(b, 'expired')
  end
end
