-- policy: the book's rules that decisions depend on. They lie in meta as policy:NAME and change through the stream only.

-- That bills are kept for less is said of those to come only: what was decided so far, and may be held, put off or on its way, keeps its
-- bill for as long as was promised. `lowered` in meta says until which day, and how long: of two promises that are still open the longer.
local function lower_keep(i, days)
  local was, today = policies.bills_keep or BILLS_KEEP_DAYS, (MS[i] - MS[i] % DAY_MS) / DAY_MS
  if days >= was then return end
  local day, kept = string.match(call('HGET', KEYS[PLACE.meta], 'lowered') or '', '^(%d+) (%d+)$')
  if day and day + kept + BILLS_SPARE_DAYS >= today then was = math.max(was, tonumber(kept)) end
  lowered = to_text(today) .. ' ' .. to_text(was)
end

-- SETTINGS is a flat list of names and values.
OPS.policy = function(i)
  local settings = MORE.SETTINGS[i]
  for n = 1, #settings, 2 do
    if settings[n] == 'bills_keep' then lower_keep(i, settings[n + 1]) end
    policies[settings[n]], new_policies[settings[n]] = settings[n + 1], to_text(settings[n + 1])
  end
  return CODE.ok
end
