-- ordering: order, cancel, lapse, at the merchant's home.

-- The lines asked for, with their articles; false when one has no price.
local function lines_of(i)
  local lines, asked = {}, MORE.LINES[i] or {}
  for n = 1, #asked, 3 do
    local s = article(ACCOUNT[i], asked[n])
    if not s.price then return false end
    lines[#lines + 1] = { sku = asked[n], article = s, quantity = to_integer(asked[n + 2]) }
  end
  return lines
end

-- A product or sum beyond 2^53 is beyond MAX whatever became of its last digits.
local function total_of(i, lines)
  local total = AMOUNT[i] or 0
  for n = 1, #lines do total = total + lines[n].article.price * lines[n].quantity end
  return total
end

local function in_stock(lines)
  for n = 1, #lines do
    if lines[n].article.stock < lines[n].quantity then return false end
  end
  return true
end

local function reserve_lines(i, lines)
  local texts = {}
  for n = 1, #lines do
    local line, s = lines[n], lines[n].article
    s.stock, s.changed = s.stock - line.quantity, MS[i]
    texts[n] = line.sku .. ' ' .. to_text(line.quantity) .. ' ' .. to_text(s.price)
  end
  return table.concat(texts, ' ')
end

OPS.order = function(i)
  local m, code, detail = keeper(i)
  if not m then return code, detail end
  local lines = lines_of(i)
  if not lines then return CODE.not_found, 'lines' end
  if (CURRENCY[i] or '') ~= '' and CURRENCY[i] ~= m.currency then return CODE.currency_mismatch end
  if m.status ~= 'active' then return CODE.account_frozen end
  local before = order_of(i)
  if before then return CODE.already_exists end
  local total, lasts = total_of(i, lines), MORE.EXPIRES[i] or 0
  if total > MAX then return CODE.limit_exceeded end
  if not in_stock(lines) then return CODE.out_of_stock end
  if lasts > 0 and MS[i] + lasts <= MAX then subject = to_text(MS[i] + lasts) end
  local o = { place = MORE.ORDER_KEY[i], state = 'created', amount = total, currency = m.currency, to = TO[i] or '',
              lines = reserve_lines(i, lines), entry = ENTRY[i], identity = IDENTITY[i], deadline = subject, opened = MS[i],
              changed = MS[i], touched = true, anew = true }
  orders[o.place] = o
  set_due(order_member(i, o), order_deadline(o))
  moved = to_text(total)
  return CODE.ok
end

OPS.cancel = function(i)
  local m, code, detail = keeper(i)
  if not m then return code, detail end
  local o = order_of(i)
  if not o then return CODE.not_found, 'order' end
  code = not_open(i, o)
  if code then return code end
  restock(i, o)
  end_order(i, o, 'cancelled')
  moved = to_text(o.amount)
  return CODE.ok
end

-- lapse (follow-up to itself): an unpaid order whose deadline has come; one that was over long enough is forgotten.
OPS.lapse = function(i)
  local o, identity = order_of(i), OF[i] .. ' ' .. MORE.ORDER[i]
  if not o or o.entry ~= MORE.ORIGINAL[i] or o.identity ~= OF[i] then
    set_due(due_member('lapse', MORE.ORIGINAL[i], identity), false)
  elseif o.state == 'created' then
    if MS[i] < order_deadline(o) then return set_due(order_member(i, o), order_deadline(o)) end
    restock(i, o)
    end_order(i, o, 'lapsed')
  elseif MS[i] < last_moment(o.changed) then
    set_due(order_member(i, o), last_moment(o.changed))
  else
    set_due(order_member(i, o), false)
    orders[o.place], orders_gone[o.place] = false, true
  end
end
