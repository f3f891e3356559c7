-- rest: everything that a plain payment has no use for. Making these functions costs a lone payment more than all that it needs, so they
-- are made when the first intent comes that wants them. (Lua takes 60 upvalues a function: what only this part uses is declared in it.)
--@late rest made
--@call
--@batch REST
--@batch MORE
-- Names that their key tells came by it alone.
local names, given_account, given_to = {}, ACCOUNT, TO
--@call
local ACCOUNT, TO = {}, {}
--@once

local function told_by_key(place)
  names[place] = names[place] or name_of(place)
  return names[place]
end

--@call
for i = 1, batch[4] do
  local place, to = ACCOUNT_KEY[i] or 0, OP[i] == 'pay' and TO_KEY[i] or 0
  ACCOUNT[i], TO[i] = place ~= 0 and told_by_key(place) or given_account[i] or '', to ~= 0 and told_by_key(to) or given_to[i] or ''
end
local call, partition, drops = redis.call, batch[1], batch[2]
local new_origins = {}   -- 'from:p' -> last origin applied, where it moved in this batch
local new_policies = {}  -- name -> text, where it changed in this batch
local lowered            -- "DAY DAYS", where bills_keep was lowered in this batch
--@once
--@codes DECIDED REASON CODE_TEXT
local OPS, SHOP = {}, {} -- what each operation does; what others ask of shop.lua
local DAY_MS, BILLS_KEEP_DAYS, BILLS_SPARE_DAYS = 86400000, 180, 30
--@include respond.lua
--@include declared.lua
--@include journal.lua
--@include rules.lua
--@include posting.lua
--@include bills.lua
--@include rewrite.lua
--@include answers.lua
--@include trace.lua
--@include restrict.lua
--@include funds.lua
--@include checks.lua
--@include due.lua
--@include late.lua
--@include keep.lua
--@call
-- What there is anything to do for: HAS.pay, ...; HAS.sells: for the shop. (A column of raw values has holes: no length.)
local HAS = { sells = #MORE.ORDER > 0 or next(MORE.LINES) ~= nil or #MORE.KIND > 0 or #ORIGIN > 0 }
for i = 1, #OP do HAS[OP[i]] = true end
--@once
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
--@op transfer.lua transfer arrive settled bounce recover
--@op lock.lua lock unlock limit credential
--@op policy.lua policy
--@op settle.lua settle swept
--@op group.lua group
--@include decide_other.lua
--@include write_rest.lua
local MADE = { read_rules = read_rules, write_rules = write_rules, decide_other = decide_other, trace_answers = trace_answers,
               hold_answers = hold_answers, respond = respond, line_of = line_of, check_rest = check_rest, append_rest = append_rest,
               write_rest = write_rest }
--@made MADE
