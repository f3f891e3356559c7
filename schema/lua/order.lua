-- order: the orders of the merchants who are at home here, as one batch sees them. An order that was paid, cancelled or has lapsed is kept
-- as long as a bill, then it is forgotten; until then its member of the due set says when.
--@call
local orders, orders_gone = {}, {} -- place in KEYS -> order, or false; -> true when it is forgotten
--@once
local ORDER_FIELDS = { 'state', 'amount', 'currency', 'to', 'lines', 'entry', 'identity', 'deadline', 'opened', 'changed', 'payer' }
local STATES = { created = true, paid = true, cancelled = true, lapsed = true }

-- The order that entry i speaks of, or false when there is none.
local function order_of(i)
  local merchant_name = (OP[i] == 'pay' and TO or ACCOUNT)[i]
  local place = declared(MORE.ORDER_KEY[i], ':order:' .. merchant_name .. '/' .. MORE.ORDER[i])
  local o = orders[place]
  if o ~= nil then return o end
  local h = redis.pcall('HMGET', KEYS[place], unpack(ORDER_FIELDS))
  if h.err then broken(KEYS[place], h.err) end
  o = {}
  for n = 1, #ORDER_FIELDS do o[ORDER_FIELDS[n]] = h[n] or nil end
  if next(o) == nil then
    o = false
  else
    o.amount, o.opened, o.changed = to_integer(o.amount), to_integer(o.opened), to_integer(o.changed)
    local numbers = (o.amount or 0) > 0 and o.opened and o.changed and (o.deadline == '' or to_integer(o.deadline))
    if not (numbers and STATES[o.state] and o.currency and o.to and o.lines and o.entry and o.identity) then
      broken(KEYS[place], 'is not an order')
    end
    o.place = place
  end
  orders[place] = o
  return o
end

-- When it lapses: as asked, or when its bill goes, as with holds.
local function order_deadline(o)
  local last, asked = last_moment(o.opened), to_integer(o.deadline)
  return asked and asked < last and asked or last
end

local function order_member(i, o) return due_member('lapse', o.entry, o.identity .. ' ' .. MORE.ORDER[i]) end

-- The merchant who acts, or nil with code and detail.
local function keeper(i)
  local m = merchant(ACCOUNT_KEY[i])
  if not m then return nil, CODE.not_found, 'account' end
  acting, currency = m, m.currency
  return m
end

-- Why it cannot be cancelled or paid now, if so: it is over, or its deadline has come, swept or not.
local function not_open(i, o)
  if o.state == 'paid' or o.state == 'cancelled' then return CODE.wrong_state end
  if o.state == 'lapsed' or MS[i] >= order_deadline(o) then return CODE.expired end
  return nil
end

-- The same of paying this amount: code and detail, or nil.
SHOP.refusal = function(i, o)
  local code = not_open(i, o)
  if code then return code, '' end
  if o.amount ~= AMOUNT[i] then return CODE.limit_exceeded, 'amount' end
  return nil
end

local function end_order(i, o, ending)
  o.state, o.changed, o.touched = ending, MS[i], true
  set_due(order_member(i, o), last_moment(MS[i]))
end

-- What was reserved comes back. Lines that are none give the entry up: what they took would be lost.
local function restock(i, o)
  local rest = string.gsub(o.lines == '' and '' or o.lines .. ' ', '(%S+) (%d+) %d+ ', function(sku, quantity)
    local s, back = article(ACCOUNT[i], sku), to_integer(quantity)
    if not back then broken(KEYS[o.place], 'lines are malformed') end
    s.stock, s.changed = math.min(s.stock + back, MAX), MS[i]
    return ''
  end)
  if rest ~= '' then broken(KEYS[o.place], 'lines are malformed') end
end
