-- recover: an operator's, where Redis lost data: what became of an arrive, or of a `paid` when it names an order, is told the payer's side
-- once more.

-- What is here and was never paid for goes back, if there is as much.
local function take_back(i, t)
  if not t or t.currency ~= CURRENCY[i] or noted(i, t) ~= AMOUNT_TEXT[i] or t.balance - t.held < AMOUNT[i] then return end
  local way = transit(i, t.currency)
  must_fit(i, way, AMOUNT[i])
  note(i, t, false)
  move(i, t, way, AMOUNT[i])
end

-- It comes now, unless it was recovered before. With code 10 it is here already; with 19 it is to go back, and nobody is told.
OPS.recover = function(i)
  if (MORE.ORDER[i] or '') ~= '' then return OPS.paid(i) end
  local t, why = receiver(ACCOUNT_KEY[i]), MORE.CODE_SENT[i]
  if why == CODE.dead then return take_back(i, t) end
  if not t then return CODE.not_found, 'to' end
  if noted(i, t) then return CODE.ok, '' end
  if why == CODE.already_exists then
    note(i, t, AMOUNT_TEXT[i])
    return CODE.ok, ''
  end
  local code, detail = OPS.arrive(i)
  if code == CODE.ok then note(i, t, ENTRY[i]) end
  return code, detail
end
