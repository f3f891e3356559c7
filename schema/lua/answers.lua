-- answers: what is told to whom. Collected while deciding; written by respond.lua.

-- The answer being made, and what else its bill says. An operation fills them; all text.
--@call
local acting, currency                      -- the account it acts on (its balance is told), and in which currency
local moved, billed, subject = '', '', ''   -- amount that moved, bill number, and the answer's detail
local payee, state, captured = '', '', '0'
--@once

local function begin_answer(i)
  acting, currency, moved, billed, subject = nil, CURRENCY[i] or '', MOVES[OP[i]] and '0' or '', '', ''
  payee, state, captured = TO[i] or '', '', '0'
end

-- The account the intent acts on.
local function party(i)
  acting = account(ACCOUNT_KEY[i])
  if acting then currency = acting.currency end
  return acting
end

-- An answer that says no more than a code and what is at fault.
local function plain_answer(i, code, detail)
  return { RESPONSES_KEY[i] or 0, KEY[i] or '', SOURCE[i] or '', OP[i] or '', code, ACCOUNT[i] or '', '', CURRENCY[i] or '', '', '', '',
           AT[i], ENTRY[i], '0', detail or '' }
end

local function give_answer(i, a)
  if a[1] == 0 then return end
  answer_count = answer_count + 1
  answers[answer_count], answers_to[answer_count] = a, i
end

-- Answer m as a table, as it is kept or traced.
local function answer_at(m)
  local i = answers[m]
  if type(i) == 'number' then
    answers[m] = { RESPONSES_KEY[i], KEY[i], SOURCE[i], 'pay', CODE.ok, ACCOUNT[i], AMOUNT_TEXT[i], CURRENCY[i], paid[3 * m - 1],
                   paid[3 * m], paid[3 * m - 2], AT[i], ENTRY[i], '0', '' }
  end
  return answers[m]
end
