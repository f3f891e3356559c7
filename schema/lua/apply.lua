#!lua
-- apply: decides a batch of intents of one partition, in stream order, and writes what came of them, whole or not at all.
-- All reads, type checks and decisions come before the first write: Redis does not roll back a script that dies in the middle.
-- No allow-oom in the first line: a full Redis refuses the script whole.
-- KEYS: 1 meta 2 intents 3 ledger 4 unanswered 5 bills of the day 6 bills of the day before 7 dead 8 due 9 scheduled 10 merchants,
--       then `drops` bills to drop, then in any order: accounts, response streams, bills of earlier days, orders, articles. The columns
--       name them by their place.
-- ARGV: 1 epoch 2 msgpack [partition, drops, entry count, cell count, where the name begins in an account's key, plain, column, ...]; all
--         entries are of one UTC day; plain: 1 when payments may take the straight road (plain.lua); columns as in batch.def
--       3 the last entry applied when the lane looked up what the columns say
--       4 there under durability: no answer is given, all are kept, and their entries are not acknowledged
-- Reply: the last bill number, what was told (told.lua), then four values for each entry still to be answered that may
--        have consequences: its number in the batch, its code, 1 if it acts on a merchant, the answer's detail.
-- Errors: FENCED; BROKEN n key reason: entry n (0: none) cannot be applied; TRYAGAIN: earlier entries must be claimed first, or
--         something was applied since the lane looked, or the partition is paused; NOGROUP.
--         Nothing was written then.
--@places meta intents ledger unanswered bills bills_before dead due scheduled merchants
--@codes
--@include fence.lua
--@call
local batch = cmsgpack.unpack(ARGV[2])
local partition, drops, count, cells, name_at, PLAIN = batch[1], batch[2], batch[3], batch[4], batch[5], batch[6] == 1
local made -- what rest() makes; nil before
--@once
--@forward rest
--@include columns.lua
--@call
--@batch LOCAL
--@once
--@include number.lua
--@include broken.lua
--@include meta.lua
--@include month.lua
--@include state.lua
--@include told.lua
--@include plain.lua
--@include write_account.lua
--@call
local todo = { 0, 0 } -- the reply; its first two come with the end of the batch
--@once
--@include rest.lua
--@include load_meta.lua
--@include sequence.lua
--@include decide.lua
--@include write.lua
--@call
todo[1], todo[2] = last_bill, all_told()
return todo
