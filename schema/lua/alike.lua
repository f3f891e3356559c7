-- alike: the look-alike guard: two equal payments within a moment are suspected to be one.

-- Look-alikes: payments of the last `duplicate_window` ms, as "TO|AMOUNT|MS;" each, the oldest first, at most 32.
local RECENT_MAX = 32

local function recent_payments(i, a)
  local window, kept = policies.duplicate_window, {}
  for to, amount, ms in string.gmatch(a.rules and a.rules.recent or '', '([^|;]*)|(%d+)|(%d+);') do
    if MS[i] - tonumber(ms) < window then kept[#kept + 1] = { to, amount, ms } end
  end
  return kept
end

local function looks_alike(i, a)
  if (policies.duplicate_window or 0) == 0 or (MORE.ALLOW_DUPLICATE[i] or 0) ~= 0 then return false end
  local recent = recent_payments(i, a)
  for n = 1, #recent do
    if recent[n][1] == TO[i] and recent[n][2] == AMOUNT_TEXT[i] then return true end
  end
  return false
end

local function note_payment(i, a)
  if (policies.duplicate_window or 0) == 0 then return end
  local recent, texts = recent_payments(i, a), {}
  recent[#recent + 1] = { TO[i], AMOUNT_TEXT[i], AT[i] }
  for n = math.max(1, #recent - RECENT_MAX + 1), #recent do texts[#texts + 1] = table.concat(recent[n], '|') .. ';' end
  change_rules(i, a, { recent = table.concat(texts) })
end
