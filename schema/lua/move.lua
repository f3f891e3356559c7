#!lua
-- move: gives keys their final names, a page at a time, of one Redis without slots: `till repartition`, when the new book is proven. One
-- that is not there any more was moved before.
-- KEYS: names as they are, then as many as they shall be  Reply: how many were moved
local moved = 0
for n = 1, #KEYS / 2 do
  if redis.call('EXISTS', KEYS[n]) == 1 then
    redis.call('RENAME', KEYS[n], KEYS[#KEYS / 2 + n])
    moved = moved + 1
  end
end
return moved
