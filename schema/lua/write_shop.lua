-- write_shop: orders, articles and merchants as they are after the batch.

local function write_order(key, o)
  if not o then return call('UNLINK', key) end
  if o.anew then call('UNLINK', key) end
  local fields = {}
  for n = 1, #ORDER_FIELDS do
    local value = o[ORDER_FIELDS[n]]
    if value then fields[#fields + 1], fields[#fields + 2] = ORDER_FIELDS[n], type(value) == 'number' and to_text(value) or value end
  end
  call('HSET', key, unpack(fields))
end

SHOP.write = function()
  for place, o in pairs(orders) do
    if o and o.touched or not o and orders_gone[place] then write_order(KEYS[place], o) end
  end
  for place, s in pairs(articles) do
    if s.changed then
      if s.price then call('HSET', KEYS[place], 'price', to_text(s.price)) end
      call('HSET', KEYS[place], 'stock', to_text(s.stock), 'changed', to_text(s.changed))
    end
  end
  if #merchants > 0 then call('SADD', KEYS[PLACE.merchants], unpack(merchants)) end
end
