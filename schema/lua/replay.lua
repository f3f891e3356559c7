-- replay: an intent that is known already gets its first answer again, if it is the same.

-- The first answer again, from its bill.
local function replay_answer(i, b)
  return { RESPONSES_KEY[i], KEY[i], SOURCE[i], b.op, b.code, ACCOUNT[i], b.amount_text, b.currency, b.balance, b.held, b.bill, b.at,
           b.entry, '1', b.detail }
end

-- Operations whose fingerprint leaves out `to` and `currency`: a wrong restatement is told from the bill.
local RESTATES = { refund = true, capture = true, release = true }

-- Which field makes this intent another one than the bill's? '' when it cannot be told; nil when they are the same. A refused intent's
-- bill does not tell: it has no amount, and perhaps the account's currency instead of the intent's.
local function difference(i, b)
  local to, stated = TO[i] or '', CURRENCY[i] or ''
  if b.op ~= OP[i] then return 'op' end
  if to ~= '' and b.to ~= '' and b.to ~= to then return 'to' end
  if b.fingerprint == FINGERPRINT[i] and not RESTATES[b.op] then return nil end
  local other_currency = stated ~= '' and b.currency ~= '' and b.currency ~= stated
  if b.fingerprint == FINGERPRINT[i] then return other_currency and 'currency' or nil end
  if b.code ~= CODE.ok then return '' end
  if (AMOUNT[i] or 0) ~= 0 and b.amount and b.amount ~= AMOUNT[i] then return 'amount' end
  return other_currency and 'currency' or ''
end

local function replay(i, record)
  local b = parse_bill(record, KEYS[PLACE.bills])
  local field = difference(i, b)
  if field then return give_answer(i, plain_answer(i, CODE.key_reused, field)) end
  if b.code == CODE.in_progress then return give_answer(i, plain_answer(i, CODE.in_progress)) end
  local a = replay_answer(i, b)
  if WAITS[b.op] and (waiting[b.entry] or call('HEXISTS', KEYS[PLACE.unanswered], b.entry) == 1) then return give_later(i, a) end
  give_answer(i, a)
end
