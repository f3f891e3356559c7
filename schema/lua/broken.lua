-- broken: giving up a whole batch.
--@call
local current = 0 -- the number of the entry being decided; 0: none
--@once

-- Gives up the whole batch before anything was written, naming the entry that cannot be applied.
local function broken(key, reason)
  error({ err = 'BROKEN ' .. current .. ' ' .. key .. ' ' .. reason })
end
