-- inquire: balance and held as of this place in the stream; frozen and closed accounts answer too.
OPS.inquire = function(i)
  if not party(i) then return CODE.not_found, 'account' end
  return CODE.ok
end
