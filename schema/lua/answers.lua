-- answers: what is told to whom. Collected while deciding; written by respond.lua. `out` is the answer being made: an operation fills it.
local answers = {}    -- each { place of the stream, key, source, op, code, account, amount, currency, balance, held, bill, at, entry, replayed, detail }
local answers_to = {} -- the number in the batch of the entry that each answers
local out = {}

local function begin_answer(i)
  out.amount, out.bill, out.to, out.state, out.currency, out.detail = MOVES[OP[i]] and '0' or '', '', TO[i] or '', '', CURRENCY[i] or '', ''
  out.captured, out.account = '0', nil
end

-- The account the intent acts on; it is the one whose balance the answer tells.
local function party(i)
  local a = account(ACCOUNT_KEY[i], ACCOUNT[i])
  out.account = a
  if a then out.currency = a.currency end
  return a
end

local function make_answer(i, code, detail)
  local a = out.account
  return { RESPONSES_KEY[i], KEY[i], SOURCE[i], OP[i], code, ACCOUNT[i], out.amount, out.currency, a and a.balance_text or '',
           a and a.held_text or '', out.bill, AT[i], ENTRY[i], '0', detail }
end

-- An answer that says no more than a code and what is at fault.
local function plain_answer(i, code, detail)
  return { RESPONSES_KEY[i] or 0, KEY[i] or '', SOURCE[i] or '', OP[i] or '', code, ACCOUNT[i] or '', '', CURRENCY[i] or '', '', '', '', AT[i],
           ENTRY[i], '0', detail or '' }
end

-- The first answer again, from its bill.
local function replay_answer(i, b)
  return { RESPONSES_KEY[i], KEY[i], SOURCE[i], b.op, b.code, ACCOUNT[i], b.amount_text, b.currency, b.balance, b.held, b.bill, b.at, b.entry,
           '1', b.detail }
end

-- Which field makes this intent another one than the bill's? '' when it cannot be told; nil when they are the same. A refused intent's
-- bill does not tell: it has no amount, and perhaps the account's currency instead of the intent's.
local function difference(i, b)
  local to, currency = TO[i] or '', CURRENCY[i] or ''
  if b.op ~= OP[i] then return 'op' end
  if to ~= '' and b.to ~= '' and b.to ~= to then return 'to' end
  if b.fingerprint == FINGERPRINT[i] and b.op ~= 'refund' then return nil end
  local other_currency = currency ~= '' and b.currency ~= '' and b.currency ~= currency
  if b.fingerprint == FINGERPRINT[i] then return other_currency and 'currency' or nil end
  if b.code ~= CODE.ok then return '' end
  if (AMOUNT[i] or 0) ~= 0 and b.amount and b.amount ~= AMOUNT[i] then return 'amount' end
  return other_currency and 'currency' or ''
end
