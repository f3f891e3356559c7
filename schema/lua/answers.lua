-- answers: what is told to whom. Collected while deciding; written by respond.lua. `out` is the answer being made: an operation fills it.
local answers = {} -- each { place of the stream, key, source, op, code, account, amount, currency, balance, held, bill, at, entry, replayed, detail }
local answers_to = {} -- the number in the batch of the entry that each answers
local MOVES = { topup = true, withdraw = true, pay = true, refund = true, rollback = true }
local out

local function begin_answer(i)
  out = { amount = MOVES[i[OP]] and 0 or '', bill = '', to = i[TO], state = '', captured = 0, refunded = 0, currency = i[CURRENCY], detail = '' }
end

-- The account the intent acts on; it is the one whose balance the answer tells.
local function party(i)
  local a = account(i[ACCOUNT_KEY], i[ACCOUNT])
  out.account = a
  if a then out.currency = a.currency end
  return a
end

local function make_answer(i, code, detail)
  local a = out.account
  return { i[RESPONSES_KEY], i[KEY], i[SOURCE], i[OP], code, i[ACCOUNT], out.amount, out.currency, a and a.balance or '', a and a.held or '',
           out.bill, i[MS], i[ENTRY], 0, detail }
end

-- An answer that says no more than a code and what is at fault.
local function plain_answer(i, code, detail)
  return { i[RESPONSES_KEY], i[KEY], i[SOURCE], i[OP], code, i[ACCOUNT], '', i[CURRENCY], '', '', '', i[MS], i[ENTRY], 0, detail }
end

-- The first answer again, from its bill.
local function replay_answer(i, b)
  return { i[RESPONSES_KEY], i[KEY], i[SOURCE], b.op, b.code, i[ACCOUNT], b.amount, b.currency, b.balance, b.held, b.bill, b.at, b.entry, 1, b.detail }
end

-- Which field makes this intent another one than the bill's? '' when it cannot be told; nil when they are the same.
local function difference(i, b)
  local amount = to_text(i[AMOUNT])
  if b.op ~= i[OP] then return 'op' end
  if i[TO] ~= '' and b.to ~= '' and b.to ~= i[TO] then return 'to' end
  if b.fingerprint == i[FINGERPRINT] then
    if i[OP] == 'refund' and i[CURRENCY] ~= '' and b.currency ~= '' and b.currency ~= i[CURRENCY] then return 'currency' end
    return nil
  end
  if i[AMOUNT] ~= 0 and b.code == CODE.ok and b.amount ~= '' and b.amount ~= amount .. '' then return 'amount' end
  if i[CURRENCY] ~= '' and b.currency ~= '' and b.currency ~= i[CURRENCY] then return 'currency' end
  return ''
end
