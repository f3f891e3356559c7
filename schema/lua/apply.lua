#!lua
-- apply: decides a batch of intents of one partition, in stream order, and writes what came of them, whole or not at all.
-- All reads, type checks and decisions come before the first write: Redis does not roll back a script that dies in the middle.
-- No allow-oom in the first line: a full Redis refuses the script whole.
-- KEYS: 1 meta 2 intents 3 ledger 4 unanswered 5 bills of the day 6 bills of the day before 7 dead 8 due 9 scheduled 10 merchants,
--       then `drops` bills to drop, then in any order: accounts, response streams, bills of earlier days, orders, articles. The columns
--       name them by their place.
-- ARGV: 1 epoch 2 msgpack [partition, drops, entry count, column, ...]; all entries are of one UTC day; columns as in batch.def
--       3 the last entry applied when the lane looked up what the columns say
--       4 there under durability: no answer is given, all are kept, and their entries are not acknowledged
-- Reply: the last bill number, what was told (respond.lua), then four values for each entry still to be answered that may
--        have consequences: its number in the batch, its code, 1 if it acts on a merchant, the answer's detail.
-- Errors: FENCED; BROKEN n key reason: entry n (0: none) cannot be applied; TRYAGAIN: earlier entries must be claimed first, or
--         something was applied since the lane looked, or the partition is paused; NOGROUP.
--         Nothing was written then.
--@places meta intents ledger unanswered bills bills_before dead due scheduled merchants
--@codes
local batch = cmsgpack.unpack(ARGV[2])
local partition, drops, count = batch[1], batch[2], batch[3]
--@batch
local OPS, shop = {}, {}           -- what each operation does; what others ask of shop.lua
local decide_batch, write_batch
--@include fence.lua
--@include number.lua
--@include broken.lua
--@include journal.lua
--@include rules.lua
--@include meta.lua
--@include month.lua
--@include state.lua
--@include bills.lua
--@include rewrite.lua
--@include answers.lua
--@include trace.lua
--@include respond.lua
--@include restrict.lua
--@include funds.lua
--@include checks.lua
--@include due.lua
--@include late.lua
--@include keep.lua
-- What there is anything to do for: HAS.pay, ...; HAS.sells: for the shop. (A column of raw values has holes: no length.)
local HAS = { sells = #MORE.ORDER > 0 or next(MORE.LINES) ~= nil or #MORE.KIND > 0 or #ORIGIN > 0 }
for i = 1, #OP do HAS[OP[i]] = true end
--@op open.lua open adopt
--@op status.lua freeze thaw close mark
--@op inquire.lua inquire
--@op shop.lua sells
--@op pay.lua pay
--@op world.lua topup withdraw
--@op refund.lua refund
--@op rollback.lua rollback
--@op hold.lua hold
--@op capture.lua capture release expire
--@op transfer.lua transfer arrive settled bounce
--@op lock.lua lock unlock limit credential
--@op policy.lua policy
--@op settle.lua settle swept
--@op group.lua group
--@op decide.lua
--@op write.lua
load_meta(ARGV[1], ARGV[3])
decide_batch()
write_batch()
todo[1] = last_bill
return todo
