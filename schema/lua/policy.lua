-- policy: the book's rules that decisions depend on. They lie in meta as policy:NAME and change through the stream only.

-- SETTINGS is a flat list of names and values.
OPS.policy = function(i)
  local settings = MORE.SETTINGS[i]
  for n = 1, #settings, 2 do
    policies[settings[n]], new_policies[settings[n]] = settings[n + 1], to_text(settings[n + 1])
  end
  return CODE.ok
end
