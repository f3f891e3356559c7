-- meta: the partition's marks: how far its stream is applied, the last bill number, the last origin from each other partition; its
-- policies.
--@call
local last_bill = 0
local applied = '0-0'   -- no entry at or below it is executed again
local origins = {}      -- 'from:p' -> last origin applied, for follow-ups
local policies = {}     -- name -> number
