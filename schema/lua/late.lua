-- late: an answer that comes with a later entry than the intent's own. The columns of that entry name the original: OF its identity, OF_KEY
-- the day its bill lies under, ORIGINAL its entry ID, and its source, key and response stream where those of the entry stand.

-- The original's bill, if it is still in this state.
local function original(i, wanted)
  local b = bill_of(i)
  return b and b.state == wanted and b.entry == MORE.ORIGINAL[i] and b or nil
end

-- The one answer to the original entry, from its bill.
local function late_answer(i, b)
  local key = string.sub(b.identity, #ACCOUNT[i] + #SOURCE[i] + 3)
  return { RESPONSES_KEY[i] or 0, key, SOURCE[i], b.op, b.code, ACCOUNT[i], b.amount_text, b.currency, b.balance, b.held, b.bill, b.at,
           b.entry, '0', b.detail }
end

-- Decides the original now: its bill says so from here on, and the one answer to its entry is given. `a`: its account, NONE of them when
-- nil. `ending`: its state then, none when nil.
local function decide_late(i, b, code, detail, a, ending)
  b.code, b.state, b.detail = code, ending or '', detail
  if a then b.balance, b.held = to_text(a.balance), to_text(a.held) end
  if code ~= CODE.ok then b.amount, b.amount_text = 0, '0' end
  rewrite_bill(b)
  give_answer(i, late_answer(i, b))
end
