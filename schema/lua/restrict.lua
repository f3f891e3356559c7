-- restrict: what the rules of an account say to one intent.

-- The account's rules with these changed; a new table, so that what a journal remembers stays as it was. NONE takes a rule away.
local NONE = {}

local function change_rules(i, a, changes)
  local rules = {}
  remember(a)
  local before = a.rules and a.rules.unread and read_rules(a.place) or a.rules or rules
  for name, value in pairs(before) do rules[name] = value end
  for name, value in pairs(changes) do rules[name] = value ~= NONE and value or nil end
  a.rules, a.new_rules = rules, true
  touch(a, i)
end

-- Is it locked against whoever does not show the token? A lock lapses by the entry's clock; lock_until 0: never.
local function lock_holds(i, a)
  local rules = a.rules
  return rules and rules.lock_token and (rules.lock_until == 0 or MS[i] < rules.lock_until)
end

local function locked(i, a) return lock_holds(i, a) and MORE.TOKEN[i] ~= a.rules.lock_token end

-- One payment more, by GCRA: the account's "theoretical arrival time" moves on by per/payments for each and may not run more than `per`
-- ahead of the clock. `limit_tat` is that time, exact: ms and the remainder in `payments`ths of a ms, as "MS/R". Returns the new one, or
-- nil.
local function next_arrival(i, rules)
  local n, per, now = rules.limit_payments, rules.limit_per, MS[i]
  local ms, rest = string.match(rules.limit_tat or '0/0', '^(%d+)/(%d+)$')
  ms, rest = tonumber(ms), tonumber(rest)
  if not ms or ms < now then ms, rest = now, 0 end
  ms, rest = ms + math.floor(per / n), rest + per % n
  if rest >= n then ms, rest = ms + 1, rest - n end
  if ms > now + per or (ms == now + per and rest > 0) then return nil end
  return to_text(ms) .. '/' .. to_text(rest)
end
