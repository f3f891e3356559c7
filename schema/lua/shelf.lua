-- shelf: price and stock of an article, at the merchant's home.

-- The article that a price or a stock is about. A frozen merchant may keep house, a closed one may not.
local function shelf(i)
  local m, code, detail = keeper(i)
  if not m then return nil, code, detail end
  if (CURRENCY[i] or '') ~= '' and CURRENCY[i] ~= m.currency then return nil, CODE.currency_mismatch, '' end
  if m.status == 'closed' then return nil, CODE.account_frozen, '' end
  return article(ACCOUNT[i], MORE.LINES[i][1])
end

OPS.price = function(i)
  local s, code, detail = shelf(i)
  if not s then return code, detail end
  s.price, s.changed, moved = AMOUNT[i], MS[i], AMOUNT_TEXT[i]
  return CODE.ok
end

OPS.stock = function(i)
  local s, code, detail = shelf(i)
  if not s then return code, detail end
  local stock = s.stock + to_integer(MORE.LINES[i][3])
  if stock > MAX then return CODE.limit_exceeded end
  if stock < 0 then return CODE.out_of_stock end
  s.stock, s.changed = stock, MS[i]
  return CODE.ok, to_text(stock)
end
