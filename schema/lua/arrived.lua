-- arrived: the transfers that an operator recovered. Each is noted in the receiver's account under its identity, for good: the entry that
-- paid for it, or, where its sender had forgotten it, how much it is, until it comes once more.

-- The note; false when there is none.
local function noted(i, t)
  local rules = t.rules
  if not (rules and rules.arrived) then return false end
  local by = rules.notes and rules.notes[OF[i]]
  if by ~= nil then return by end
  return call('HGET', KEYS[t.place], 'arrived:' .. OF[i])
end

local function note(i, t, by)
  local notes = { [OF[i]] = by }
  for identity, before in pairs(t.rules and t.rules.notes or {}) do
    if identity ~= OF[i] then notes[identity] = before end
  end
  change_rules(i, t, { arrived = '1', notes = notes })
end
