-- trace: an answer carries the `traceparent` of the entry that brings it about (17 of it; 16 is keep.lua's then, too).
-- TRACE is a column of texts: none, or as many values as entries, '' where there is none.

local function trace_answer(i, a)
  if TRACE[i] ~= '' then a[16], a[17] = a[16] or 0, TRACE[i] end
end

local function trace_answers()
  for m = 1, answer_count do trace_answer(answers_to[m], answer_at(m)) end
end
