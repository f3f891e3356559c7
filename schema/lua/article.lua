-- article: the articles of the merchants who are at home here: price and stock, as one batch sees them; and which merchants there are.
--@call
local articles, sku_places = {}, nil -- place in KEYS -> article; 'MERCHANT/SKU' -> place, of all that the batch may touch
local merchants = {}                 -- names that became known in this batch
--@once

-- LINES[i] is flat: sku, place, quantity, ...
local function find_articles()
  sku_places = {}
  for i, lines in pairs(MORE.LINES) do
    for n = 1, type(lines) == 'table' and #lines or 0, 3 do sku_places[ACCOUNT[i] .. '/' .. lines[n]] = lines[n + 1] end
  end
end

-- The article; one that is not there has no price, and none in stock.
local function article(merchant_name, sku)
  if not sku_places then find_articles() end
  local name = merchant_name .. '/' .. sku
  local place = declared(sku_places[name], ':sku:' .. name)
  local s = articles[place]
  if s then return s end
  local h = redis.pcall('HMGET', KEYS[place], 'price', 'stock')
  if h.err then broken(KEYS[place], h.err) end
  s = { price = h[1] and to_integer(h[1]), stock = to_integer(h[2] or '0') }
  if (h[1] and (s.price or 0) < 1) or not s.stock or s.stock < 0 then broken(KEYS[place], 'price or stock is malformed') end
  articles[place] = s
  return s
end

SHOP.know_merchant = function(name)
  local size = redis.pcall('SCARD', KEYS[PLACE.merchants])
  if type(size) == 'table' then broken(KEYS[PLACE.merchants], size.err) end
  merchants[#merchants + 1] = name
end
