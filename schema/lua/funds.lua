-- funds: the last checks of every operation that moves money, in the published order: cap (12), then funds (3).
-- `funded` is false where the payer may go negative: system accounts, and merchant shards through refunds.
local function move_funds(i, from, to, amount, funded)
  if not fits(from, -amount) or not fits(to, amount) then return CODE.limit_exceeded end
  if funded and from.balance - from.held < amount then return CODE.insufficient_funds end
  out.bill = move(i, from, to, amount)
  out.amount = amount
  return CODE.ok
end

-- The merchant's shard in this partition: whoever is not known here as a merchant cannot be paid.
local function merchant(index, name)
  local m = account(index, name)
  return m and m.kind == 'merchant' and m or nil
end

-- The account that KEYS[index] must be for `name`: the lane looked the name up before the call, the script decides by what it sees.
local function counterpart(index, name)
  local suffix = ':account:' .. name
  if index == 0 or string.sub(KEYS[index], -#suffix) ~= suffix then broken('account:' .. name, 'is not declared') end
  return index
end
